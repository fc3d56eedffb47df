// The player's own controls: for the keyboard, and for those who listen with a screen reader beside the recording. Without
// this script the browser's controls are there. Nothing plays before somebody has asked for it.

const SPEEDS = [...document.querySelectorAll("#speed option")].map((each) => each.value);
const STEP_SECONDS = 5;
const LEAP_SECONDS = 30;
const BEFORE_SECONDS = 2; // "the mark before" is this much before the place, or one could not get past a mark while it plays
const EDGE = 4; // to the left and right of the drawing, as recorder/archive/waveform.py has it
const WIDTH = 1200;

const [audio, deck, play, position, time, speed, wave, head, said, failed] = [
  "audio", "deck", "play", "position", "time", "speed", "wave", "head", "said", "failed",
].map((id) => document.getElementById(id));
const words = deck.dataset;
const seconds = Number(words.seconds);
const moments = [...document.querySelectorAll("[data-at]")];

function clock(at) {
  const whole = Math.round(at);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// As the forms beside a player take it, to a tenth of a second.
function typed(at) {
  const tenths = Math.round(at * 10);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  return `${hours}:${String(minutes).padStart(2, "0")}:${rest < 10 ? "0" : ""}${rest}`;
}

function place(at) {
  return words.place.replace("{at}", clock(at)).replace("{all}", clock(seconds));
}

function show(at) {
  position.value = at;
  time.textContent = place(at);
  head.style.left = `${(100 * (EDGE + (WIDTH * at) / (seconds || 1))) / (WIDTH + 2 * EDGE)}%`;
}

function say(text) {
  said.textContent = text;
}

function seek(at, told = "") {
  audio.currentTime = Math.min(Math.max(0, at), seconds);
  show(audio.currentTime);
  position.setAttribute("aria-valuetext", place(audio.currentTime));
  say(told || clock(audio.currentTime));
}

function start() {
  audio.play().catch(() => {}); // why it does not play is told where the error arrives
}

function toggle() {
  if (audio.paused) {
    start();
  } else {
    audio.pause();
  }
}

function quicken(by) {
  const at = Math.min(Math.max(0, SPEEDS.indexOf(speed.value) + by), SPEEDS.length - 1);
  speed.value = SPEEDS[at];
  setSpeed();
  say(words.speed.replace("{speed}", speed.value));
}

function setSpeed() {
  audio.playbackRate = Number(speed.value);
}

function jump(moment) {
  if (moment) {
    seek(Number(moment.dataset.at), moment.textContent.trim());
  }
}

const jumpBack = () => jump(moments.findLast((each) => Number(each.dataset.at) < audio.currentTime - BEFORE_SECONDS));
const jumpOn = () => jump(moments.find((each) => Number(each.dataset.at) > audio.currentTime + 0.5));

const KEYS = {
  k: toggle,
  ArrowLeft: () => seek(audio.currentTime - STEP_SECONDS),
  ArrowRight: () => seek(audio.currentTime + STEP_SECONDS),
  j: () => seek(audio.currentTime - LEAP_SECONDS),
  l: () => seek(audio.currentTime + LEAP_SECONDS),
  "<": () => quicken(-1),
  ">": () => quicken(1),
  p: jumpBack,
  n: jumpOn,
  "?": () => {
    const help = document.getElementById("help");
    help.open = !help.open;
  },
};

// Only of what is in the player (WCAG 2.2, 2.1.4): a screen reader has its own keys for the page.
document.getElementById("player").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target === speed) {
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const pressesItself = event.target.matches("button, summary, a");
  if (key === " " && !pressesItself) {
    toggle();
  } else if (/^[0-9]$/.test(key)) {
    seek((seconds * Number(key)) / 10);
  } else if (key in KEYS) {
    KEYS[key]();
  } else {
    return;
  }
  event.preventDefault();
});

play.addEventListener("click", toggle);
for (const each of deck.querySelectorAll("[data-by]")) {
  each.addEventListener("click", () => seek(audio.currentTime + Number(each.dataset.by)));
}
document.getElementById("previous")?.addEventListener("click", jumpBack);
document.getElementById("next")?.addEventListener("click", jumpOn);
for (const each of deck.querySelectorAll("[data-take]")) {
  each.addEventListener("click", () => {
    const field = document.getElementById(each.dataset.take);
    field.value = typed(audio.currentTime);
    say(`${each.textContent}: ${field.value}`);
  });
}
for (const each of moments) {
  each.addEventListener("click", (event) => {
    event.preventDefault();
    jump(each);
    start();
  });
}
speed.addEventListener("change", setSpeed);
position.addEventListener("input", () => {
  time.textContent = place(Number(position.value));
});
position.addEventListener("change", () => seek(Number(position.value)));
wave.addEventListener("click", (event) => {
  const box = wave.getBoundingClientRect();
  seek((seconds * (((event.clientX - box.left) / box.width) * (WIDTH + 2 * EDGE) - EDGE)) / WIDTH);
});

audio.addEventListener("play", () => {
  play.textContent = words.pause;
});
audio.addEventListener("pause", () => {
  play.textContent = words.play;
});
audio.addEventListener("ended", () => say(words.end));
audio.addEventListener("timeupdate", () => {
  if (!position.matches(":active")) {
    show(audio.currentTime);
  }
});
audio.addEventListener("playing", () => {
  failed.hidden = true;
});
audio.addEventListener("error", async () => {
  play.textContent = words.play;
  let why = words.failed;
  try {
    const answer = await fetch(audio.currentSrc.split("#")[0], { headers: { Range: "bytes=0-0" } });
    if (!answer.ok && answer.headers.get("Content-Type").startsWith("text/plain")) {
      why = await answer.text();
    }
  } catch {
    // The pages are away too: the words above have to do.
  }
  failed.textContent = why;
  failed.hidden = false;
});

async function draw() {
  if (!words.waveform) {
    return; // a fragment has none
  }
  const answer = await fetch(words.waveform);
  if (answer.ok) {
    const drawing = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
    wave.prepend(document.importNode(drawing, true));
  }
}

position.max = Math.ceil(seconds);
position.setAttribute("aria-valuetext", place(0));
show(audio.currentTime);
audio.removeAttribute("controls");
audio.hidden = true;
deck.hidden = false;
if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
  draw();
} else {
  audio.addEventListener("loadedmetadata", draw, { once: true }); // what is heard comes first
}
