"""The meeting's table as a model for spin, with a room round it: caseworker, client, lamp, capture process, clock, crash.

What is generated is the table and nothing else. The rest says how the parts of a room behave, each a process of its own, in
every order that they can come in. It is written from docs/ARCHITECTURE.md, by another way than `rules.py`: there the table is
asked what it does with one event at a time, here presses, samples, a broken lamp and a crash fall between a row's actions.

    spin -a meeting.pml && cc -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan       no assertion is ever broken
"""

import re
from collections.abc import Iterable

from recorder.meeting.light import CAPTURE_STATES
from recorder.meeting.table import TIMERS, Action, Event, State
from tests.meeting.rules import Table

ROOM = """
#define STEADY(s) ({steady})
#define LIT (commanded && !broken)
#define left (gone == 2)
#define BUSY (cap == MADE || cap == OPENING || cap == FINISHING)
#define TURNS_MAX 12            /* in which a room without people must have stopped recording */

/* The capture process: what it really does, whatever the daemon thinks. */
#define NONE 0
#define MADE 1
#define READY 2
#define OPENING 3
#define HEARS 4
#define LOST 5
#define FINISHING 6
byte cap = NONE;
byte said = E_nothing;

bool commanded, broken;

byte key;                       /* in the hold: 0 none, 1 held, 2 committed */
bool recording;                 /* begun, neither released nor refused */
bool refused;                   /* a no came to it before its release was decided */
bool released;
bool no_now;                    /* a no has been said, and the loop has not heard it */
bool no;                        /* a no stands */
bool started;                   /* by a caseworker's press, this meeting */
bool told;                      /* it was announced, this meeting */
byte timer[{timers}];             /* 0 does not run, 1 runs, 2 its time is over */
bool crashed;                   /* the daemon is no more, and will be started anew */
byte faults;
byte gone;                      /* people who have left: then time passes, and what the machines do is done */
byte turns;                     /* of the daemon's loop since then */
chan presses = [2] of {{ byte }};
byte state = S_idle;
byte ev = E_nothing;

inline kill() {{ cap = NONE; said = E_nothing }}

inline sample() {{
    assert(LIT);                /* 1: no sample while the light is dark */
    assert(started);            /* R1, L4: nothing but a press of start leads here */
    assert(told);               /* 8: nobody is recorded unannounced */
    assert(!no && !no_now);     /* 2: nor after a no */
    assert(!released);
}}

/* What the actions do. */
inline A_prepare() {{
    assert(started && cap == NONE && !recording);
    cap = MADE; refused = false; released = false; told = false
}}
inline A_note_yes() {{ assert(told) }}      /* 8: nor asked */
inline A_open_tap() {{ if :: {guard} :: else -> d_step {{ if :: cap == READY -> cap = OPENING :: else fi }} fi }}
inline A_finish_tap() {{ d_step {{ if :: cap == HEARS || cap == LOST -> cap = FINISHING :: else fi }} }}
inline A_shut_tap() {{ d_step {{ kill() }}; commanded = STEADY(state) }}
inline A_destroy_key() {{ assert(cap == NONE); key = 0 }}
inline A_write_refusal() {{ assert(cap == NONE && key == 0); recording = false; no = true }}
inline A_write_empty() {{ assert(cap == NONE && key == 0); recording = false }}
inline A_write_missed() {{ assert(cap == NONE && !recording) }}
inline A_release() {{
    d_step {{ if
    :: key == 1 -> key = 2; assert(ev == E_grace_over && !refused && !no && cap == NONE); released = true
    :: else -> next = E_refuse_pressed          /* its press is on its way */
    fi }};
    if :: key == 2 -> d_step {{ key = 0; recording = false }} :: else fi
}}
inline A_note_lift() {{ no = false }}
inline A_note_lapse() {{ no = false }}

inline enter(s) {{
    d_step {{ {void}
    if
    :: STEADY(s) -> commanded = true
    :: !STEADY(s) && !STEADY(state) -> commanded = false
    :: else                     /* dark only once the tap is shut */
    fi;
    state = s }}
}}

inline follow() {{
    if
{rows}
    :: else
    fi
}}

active proctype Daemon() {{
    byte phase, next;
again:
    {{ do
    :: if
       :: next != E_nothing -> ev = next; next = E_nothing
       :: next == E_nothing && phase == 0 ->            /* presses, all of them */
            if :: presses ? ev :: empty(presses) -> ev = E_nothing; phase = 1 fi
       :: next == E_nothing && phase == 1 && (!left || said != E_nothing || !BUSY) -> /* the tap */
            d_step {{ ev = said; said = E_nothing; phase = 2;
                if :: ev == E_capture_ready -> recording = true; key = 1 :: else fi }}
       :: next == E_nothing && phase == 2 ->            /* the timers */
            atomic {{ ev = E_nothing; phase = 3; if {fire} :: else fi;
                if :: ev == E_notice_over -> told = true :: ev == E_notice_over -> told = true; ev = E_ready_to_ask
                :: else fi }}
       :: next == E_nothing && phase == 3 ->            /* the light, and what it tells */
            atomic {{ commanded = STEADY(state); phase = 0; ev = E_nothing;
                assert(turns < TURNS_MAX || cap == NONE); /* 7: nobody is there, and it goes on */
                if :: left && turns < TURNS_MAX -> turns++ :: else fi;
                if
                :: STEADY(state) && broken -> ev = E_fault_found
                :: state == S_lighting && !broken -> ev = E_light_proven
                :: state == S_lighting && !broken && !left          /* it takes its milliseconds */
                :: faults < 1 -> faults++; ev = E_fault_found       /* any other: a full card, say */
                :: state == S_fault && !broken -> ev = E_fault_cleared
                :: else
                fi }}
       fi;
       if :: ev == E_start_pressed && state == S_idle -> started = true :: else fi;
       follow();
       if
       :: ev == E_refuse_pressed ->
            no_now = false; assert(no);                 /* 2: a no is heard in every state */
            if :: next == E_nothing -> next = E_refused_anew :: true fi     /* what letting go of that button means */
       :: else
       fi;
       if :: state == S_idle || state == S_refused || state == S_fault -> started = false :: else fi;
       ev = E_nothing
    od }} unless {{ crashed ->                          /* wherever it was: between any two actions of a row */
        atomic {{ crashed = false; phase = 0; ev = E_nothing; next = E_nothing; started = false; no_now = false;
            commanded = false; state = S_idle; {none_runs};
            do :: presses ? _ :: empty(presses) -> break od;
            if
            :: key = 0; refused = false                 /* a hold in RAM, and the power was cut */
            :: skip                                     /* one with a battery, or the service alone was started anew */
            fi;
            if
            :: key == 2 -> key = 0; recording = false   /* its release was decided, and is completed */
            :: else
            fi;
            if
            :: no || refused && recording -> next = E_still_refused; no = true; recording = false; key = 0
            :: !(no || refused && recording) && recording && key == 1 -> next = E_recovered
            :: else -> recording = false; key = 0
            fi }};
        goto again }}
}}

active proctype Power() {{
    d_step {{ kill(); commanded = false; crashed = true }}  /* it is cut once, at any moment, and comes back */
}}

active proctype Capture() {{
    do
    :: d_step {{ cap == MADE -> cap = READY; said = E_capture_ready }}
    :: d_step {{ cap == OPENING && said == E_nothing -> cap = HEARS; sample(); said = E_capture_open }}
    :: d_step {{ cap == HEARS -> sample() }}
    :: d_step {{ cap == HEARS && said == E_nothing && !left -> cap = LOST; said = E_microphone_gone }}
    :: d_step {{ cap == LOST && said == E_nothing -> cap = HEARS; sample(); said = E_capture_open }}
    :: d_step {{ cap == FINISHING && said == E_nothing -> cap = NONE; said = E_capture_done }}
    :: d_step {{ cap != NONE && !left -> cap = NONE; said = E_capture_failed }}
    od
}}

active proctype Caseworker() {{
    do
    :: nfull(presses) -> presses ! E_start_pressed
    :: nfull(presses) -> presses ! E_mark_pressed
    :: break
    od;
    gone++
}}

active proctype Client() {{
    do
    :: nfull(presses) ->                                /* a no does not queue: the thread of the press */
        d_step {{ kill(); no_now = true }};
        d_step {{ if
            :: key == 1 -> key = 0; refused = true
            :: key == 0 -> refused = recording
            :: key == 2                                 /* decided already: it is one to the next meeting */
            fi }};
        presses ! E_refuse_pressed
    :: nfull(presses) && no -> presses ! E_refuse_held
    :: nfull(presses) -> presses ! E_end_pressed
    :: break
    od;
    gone++
}}

active proctype Lamp() {{
    d_step {{ broken = true; {edge} }}                  /* an edge does not queue either */
}}

active proctype Clock() {{
    do {ticks} od
}}
"""


def model(table: Table, *, guarded: bool = True, watched: bool = True) -> str:
    """The Promela text.

    Without `guarded` a tap is opened though a no has just been said; without `watched` nobody sees the lamp's edge.
    """
    timers = {action: at for at, action in enumerate(TIMERS)}
    return (
        _numbers("S", State)
        + _numbers("E", Event)
        + ROOM.format(
            steady=_any_of(CAPTURE_STATES),
            timers=len(timers),
            guard="no_now" if guarded else "false",
            edge="if :: commanded -> kill() :: else fi" if watched else "skip",
            void=" ".join(_void(at, TIMERS[action][1]) for action, at in timers.items()),
            none_runs="; ".join(f"timer[{at}] = 0" for at in timers.values()),
            rows="\n".join(_row(timers, *each) for each in table.items()),
            fire=" ".join(
                f":: timer[{at}] == 2 || left && timer[{at}] == 1 -> timer[{at}] = 0; ev = {_name('E', TIMERS[action][0])}"
                for action, at in timers.items()
            ),
            ticks=" ".join(f":: d_step {{ timer[{at}] == 1 -> timer[{at}] = 2 }}" for at in timers.values()),
        )
    )


def _name(kind: str, member: str) -> str:
    return f"{kind}_{member.replace(' ', '_')}"


def _numbers(kind: str, members: Iterable[str]) -> str:
    names = [_name(kind, "nothing"), *(_name(kind, member) for member in members)]
    return "".join(f"#define {name} {at}\n" for at, name in enumerate(names))


def _any_of(states: Iterable[State]) -> str:
    return " || ".join(f"(s) == {_name('S', state)}" for state in sorted(states))


def _void(at: int, runs_in: Iterable[State]) -> str:
    return f"if :: !({_any_of(runs_in)}) -> timer[{at}] = 0 :: else fi;"


def _row(timers: dict[Action, int], pair: tuple[State, Event], row: tuple[State, tuple[Action, ...]]) -> str:
    then, actions = row
    done = ["skip"]  # a statement of its own: spin lists what it never reached
    if then is not pair[0]:
        done.append(f"enter({_name('S', then)})")
    for action in actions:
        if action in timers:
            done.append(f"timer[{timers[action]}] = 1")
        elif _name("A", action) in ACTIONS:
            done.append(f"{_name('A', action)}()")
    return f"    :: state == {_name('S', pair[0])} && ev == {_name('E', pair[1])} -> {'; '.join(done)}"


ACTIONS = frozenset(re.findall(r"inline (A_\w+)\(", ROOM))
"""Those that do something in the model; the others write a line into the journal."""
