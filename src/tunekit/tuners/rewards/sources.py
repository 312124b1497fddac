"""Functions as source text: taking it, seeing that it runs on its own, and running it.

Belongs here: what the source of one function may hold.
Does not belong here: what the function is called for (`python.py`), a guard against malice.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import symtable
import textwrap
import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tunekit._text import either, first_few
from tunekit.errors import SettingInvalid

_INTERACTIVE = frozenset({"_", "display", "get_ipython"})
"""What an interactive session adds to Python's own names, and other processes lack."""
_PARAMETERS = ("prompt", "response", "references")
_FILE = "<reward>"
SIGNATURE = "Write def reward(prompt, response, references) -> float."


def source_of(function: object) -> str:
    """The source text of a function, without the indentation that it has where it stands.

    Raises:
        SettingInvalid: It is no plain function, or its source cannot be had.
    """
    if not isinstance(function, types.FunctionType):
        kind = "method" if inspect.ismethod(function) else type(function).__name__
        raise refused(f"The reward is a {kind}, not a function.", SIGNATURE)
    if function.__name__ == "<lambda>":
        raise refused(
            "The reward is a lambda, which has no name and no source of its own.", SIGNATURE
        )
    if function.__code__.co_freevars:
        names = either(function.__code__.co_freevars, last="and")
        raise refused(
            f"The function {function.__name__!r} is a closure over {names}.",
            "Define these inside the function.",
        )
    try:
        return _dedented(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError) as error:
        raise refused(
            f"The source of the function {function.__name__!r} cannot be had.",
            "Write it in a file or a notebook cell, or pass source= and name=.",
        ) from error


def checked_source(source: str, name: str | None) -> str:
    """The name of the function that a source defines, if that runs on its own. Nothing of it is run here.

    Args:
        source: Source text of the function.
        name: The name that it shall have. `None` takes any.

    Raises:
        SettingInvalid: It would not run on its own, or has another name.
    """
    definition = _definition(source)
    if name not in (None, definition.name):
        raise refused(
            f"The source defines {definition.name!r}, not {name!r}.", "Give its own name."
        )
    name = definition.name
    if definition.decorator_list:
        raise refused(
            f"The function {name!r} has a decorator, which its source alone does not hold.",
            "Take the decorator off.",
        )
    if _parameters(definition) != _PARAMETERS:
        given = first_few(
            [arg.arg for arg in ast.walk(definition.args) if isinstance(arg, ast.arg)]
        )
        raise refused(
            f"The function {name!r} takes ({given}), not (prompt, response, references).",
            SIGNATURE,
        )
    unknown = sorted(set(_global_names(definition)) - {name} - (set(dir(builtins)) - _INTERACTIVE))
    if unknown:
        raise refused(
            f"The function {name!r} uses {either(unknown, last='and')} from outside of it.",
            "Import and define inside the function what it uses.",
        )
    return name


def refused(fact: str, hint: str) -> SettingInvalid:
    """The error that a function cannot be a reward."""
    return SettingInvalid(fact, hint=hint, place="PythonReward")


def _definition(source: str) -> ast.FunctionDef:
    """The one function that a source defines."""
    try:
        _code(source)
        body = ast.parse(source).body
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise refused("The source of the reward is not Python.", "Correct it.") from error
    match body:
        case [ast.FunctionDef() as definition]:
            return definition
        case _:
            raise refused(
                "The source of the reward is not one plain function.",
                "Leave nothing beside it; put imports inside it. It cannot be async.",
            )


def _parameters(definition: ast.FunctionDef) -> tuple[str, ...]:
    args = definition.args
    if args.posonlyargs or args.vararg or args.kwarg:
        return ()
    return tuple(arg.arg for arg in (*args.args, *args.kwonlyargs))


def _dedented(source: str) -> str:
    """The source from the first column on, with the same meaning: a text over several lines keeps its spaces."""
    if not source[:1].isspace():
        return source
    plain = textwrap.dedent(source)
    inner = ast.parse(f"if True:\n{source}").body[0]
    function = inner.body[0] if isinstance(inner, ast.If) else inner
    try:
        same = ast.dump(ast.parse(plain).body[0]) == ast.dump(function)
    except SyntaxError:
        same = False
    return plain if same else ast.unparse(function)


class _WithoutAnnotations(ast.NodeTransformer):
    """Takes out annotations, which are never looked up when a reward runs."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(value=None)
        return self.generic_visit(node)


def _global_names(definition: ast.FunctionDef) -> Iterator[str]:
    """The names that the function and everything inside it take from outside."""
    bare = _WithoutAnnotations().visit(definition)
    scopes = [symtable.symtable(ast.unparse(bare), _FILE, "exec")]
    while scopes:
        scope = scopes.pop()
        scopes.extend(scope.get_children())
        outermost = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            outside = symbol.is_global() or (outermost and not symbol.is_assigned())
            if outside and (symbol.is_referenced() or symbol.is_assigned()):
                yield symbol.get_name()


@lru_cache(maxsize=64)
def compiled(source: str, name: str) -> Callable[..., object]:
    """The function that a source defines; annotations stay unread, since what they name is not there."""
    namespace: dict[str, Any] = {"__name__": _FILE}
    exec(_code(source), namespace)  # noqa: S102  # a reward is code that its user wrote
    function: Callable[..., object] = namespace[name]
    return function


def _code(source: str) -> types.CodeType:
    flags = __future__.annotations.compiler_flag
    code: types.CodeType = compile(source, _FILE, "exec", flags=flags, dont_inherit=True)
    return code
