"""Takes the readers' checks out one by one: for each, some vector must notice.

What needs no key must be noticed by verifying ALONE. Otherwise the AEAD would hide a verifier that checks nothing.
A check is an `if` that raises, an operand of its condition, or a bound in a type.
"""

import ast
import copy
import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from readers import VECTORS, Vector, open_file, verify

CHAIN = [
    "recorder.canonical",
    "recorder.sealed.layout",
    "recorder.sealed.merkle",
    "recorder.sealed.keybox",
    "recorder.sealed.verify",
    "recorder.sealed.open",
]
WRITERS = {"record", "parse_record", "encode", "print_packets"}
"""Functions that no reader of files goes through; test_layout.py has them."""
KEYED = {
    "parse_packets",
    "unwrap",
    "release_keybox",
    "must_be_opened",
    "Opener.__init__",
    "Opener.open",
    "_open_block",
}
"""Functions that only an opener goes through."""
EQUIVALENT = {
    "layout BlockHeader.__post_init__: self.index >= 2 ** 32": "32 bits on the wire hold no more; guards the writer",
    "open Opener.open: not 0 <= index": "the file does not change under a test vector; see test_open.py",
    "layout Manifest: max_length=GAPS_MAX": "a vector of 65,537 gaps would take 2 MB; test_layout.py makes it",
    "layout parse_packets: not 1 <= count": "a reader knows the count from the header; test_layout.py has it",
    "open must_be_opened: report.state is State.REFUSED": "a refusal has no keybox; test_open.py has the message",
}


class Mutant:
    def __init__(self, module: str, function: str, what: str, tree: ast.Module) -> None:
        self.module, self.function, self.tree = module, function, tree
        self.name = f"{module.rpartition('.')[2]} {function}: {what}"


def parse(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def mutants() -> Iterator[Mutant]:
    for module in CHAIN:
        whole = parse(module)
        for number, (function, node) in enumerate(_checks(whole)):
            for what, change in _changes(node):
                tree = copy.deepcopy(whole)
                _, target = list(_checks(tree))[number]
                change(target)
                yield Mutant(module, function, what, ast.fix_missing_locations(tree))


def _checks(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(tree):
        inside = function
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            inside = f"{function}.{child.name}" if function else child.name
        if isinstance(child, ast.If) and isinstance(child.body[-1], ast.Raise):
            yield function, child
        if isinstance(child, ast.Call) and getattr(child.func, "id", "") == "Meta":
            yield function, child
        yield from _checks(child, inside)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Call):
        for number, keyword in enumerate(node.keywords):
            yield ast.unparse(keyword), lambda call, number=number: call.keywords.pop(number)
        return
    assert isinstance(node, ast.If)
    yield ast.unparse(node.test), lambda check: setattr(check, "test", ast.Constant(False))
    for path, operand in _operands(node.test):
        yield f"{ast.unparse(node.test)} without {ast.unparse(operand)}", lambda check, path=path: _drop(check, path)


def _operands(test: ast.expr, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], ast.expr]]:
    """The operands of and, or, at any depth, each with the way to it."""
    if isinstance(test, ast.BoolOp):
        for number, value in enumerate(test.values):
            yield (*path, number), value
            yield from _operands(value, (*path, number))


def _drop(check: ast.If, path: tuple[int, ...]) -> None:
    operation: Any = check.test
    for step in path[:-1]:
        operation = operation.values[step]
    operation.values.pop(path[-1])
    if len(operation.values) == 1:
        operation.values.append(copy.deepcopy(operation.values[0]))


@contextmanager
def loaded(mutant: Mutant) -> Iterator[tuple[Any, Any]]:
    """verify and open, as they would be with the mutant in them."""
    saved = {name: sys.modules[name] for name in CHAIN}
    try:
        sources = {name: parse(name) for name in CHAIN}
        for name in CHAIN[CHAIN.index(mutant.module) :]:
            module = types.ModuleType(name)
            code = mutant.tree if name == mutant.module else sources[name]
            _install(name, module)
            exec(compile(code, name, "exec"), module.__dict__)
        yield sys.modules["recorder.sealed.verify"], sys.modules["recorder.sealed.open"]
    finally:
        for name, module in saved.items():
            _install(name, module)


def _install(name: str, module: types.ModuleType) -> None:
    sys.modules[name] = module
    package, _, attribute = name.rpartition(".")
    setattr(sys.modules[package], attribute, module)


def notices(vector: Vector, verifying: Any, opening: Any, *, keyed: bool) -> bool:
    try:
        if keyed:
            outcome = open_file(vector.data, salvage=True, module=opening)
            strict = open_file(vector.data, salvage=False, module=opening)
            sound = vector.expect == "nothing" and vector.state == "whole"
            return (
                len(outcome.packets) != vector.released
                or (vector.expect == "open" and outcome.opened)
                or strict.opened != (sound and (vector.released > 0 or vector.name == "whole-no-blocks"))
            )
        outcome = verify(vector.data, verifying)
    except Exception:  # noqa: BLE001 - any crash is noticed
        return True
    return outcome.state != vector.state or vector.says not in outcome.says


ALL = [
    mutant for mutant in mutants() if mutant.function not in WRITERS and not mutant.name.startswith(tuple(EQUIVALENT))
]


def test_the_harness_itself_leaves_sound_code_alone() -> None:
    sound = Mutant("recorder.canonical", "", "", parse("recorder.canonical"))
    with loaded(sound) as (verifying, opening):
        for vector in VECTORS:
            assert not notices(vector, verifying, opening, keyed=False), vector.name
            assert not notices(vector, verifying, opening, keyed=True), vector.name


def test_there_are_mutants() -> None:
    assert len(ALL) > 80


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_some_vector_notices(mutant: Mutant) -> None:
    with loaded(mutant) as (verifying, opening):
        keyed = mutant.function in KEYED
        assert any(notices(vector, verifying, opening, keyed=keyed) for vector in VECTORS)


def test_what_counts_as_equivalent_is_still_there() -> None:
    names = [mutant.name for mutant in mutants()]
    assert all(any(name.startswith(each) for name in names) for each in EQUIVALENT)
