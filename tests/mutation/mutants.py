"""Mutants of SQL: a token changed as a slip of the hand would change it, which some test ought to notice.

A mutant is told by the tokens around it and not by its place, so it is the same one in each statement of its model,
whatever days and settings that was compiled for. Tokens are SQLGlot's; the rest of the statement stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokens import Token, TokenType

_AROUND = 5  # tokens to each side by which a mutant is known
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MODEL = re.compile(r'"node_id": "model\.romi\.(\w+)"')
_INSTEAD = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "=", "+": "-", "-": "+", "//": "*",
    "and": "or", "or": "and", "distinct": "", "desc": "asc", "union all": "union", "semi": "anti", "anti": "semi",
    "left": "", "true": "false", "false": "true",
}  # fmt: skip
_FUNCTIONS = {
    "sum": "max", "min": "max", "max": "min", "count": "sum", "least": "greatest", "greatest": "least", "lag": "lead",
    "lead": "lag", "floor": "ceil", "ceil": "floor", "row_number": "dense_rank", "bool_or": "bool_and",
    "bool_and": "bool_or", "arg_min": "arg_max", "arg_max": "arg_min",
}  # fmt: skip
_ENDS_OPERAND = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING, TokenType.R_PAREN}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one model."""

    model: str
    before: tuple[str, ...]
    token: str
    after: tuple[str, ...]
    instead: str

    def __str__(self) -> str:
        change = f"[{self.token} -> {self.instead or 'nothing'}]"
        return f"{self.model}: {' '.join((*self.before, change, *self.after))}"


def model_of(sql: str) -> str | None:
    """The model that a statement of dbt's belongs to, if it changes that model's rows."""
    found = _MODEL.search(sql)
    begins = sql.rpartition("*/")[2].lstrip()[:6].lower() if found else ""
    return found[1] if found and begins in ("create", "insert", "delete") else None


def mutants_of(model: str, sql: str) -> Iterator[tuple[Mutant, int, int]]:
    """All mutants of a statement, each with the first and the last character that it replaces."""
    tokens = DuckDB().tokenize(sql)
    texts = [_told(token) for token in tokens]
    for i, token in enumerate(tokens):
        for instead in _instead(tokens, i):
            before, after = texts[max(0, i - _AROUND) : i], texts[i + 1 : i + 1 + _AROUND]
            yield Mutant(model, tuple(before), texts[i], tuple(after), instead), token.start, token.end


def mutated(sql: str, mutant: Mutant) -> str:
    """The statement with the change at each place that it belongs to; as it was where there is none."""
    for found, first, last in sorted(mutants_of(mutant.model, sql), key=lambda one: -one[1]):
        if found == mutant:
            sql = sql[:first] + mutant.instead + sql[last + 1 :]
    return sql


def _told(token: Token) -> str:
    quoted = f"'{token.text}'" if token.token_type == TokenType.STRING else token.text.lower()
    return _DAY.sub("(day)", quoted)


def _instead(tokens: list[Token], i: int) -> Iterator[str]:
    text, kind = tokens[i].text.lower(), tokens[i].token_type
    before = tokens[i - 1] if i else None
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if kind in (TokenType.STRING, TokenType.IDENTIFIER) or before is None:
        return
    if kind == TokenType.NUMBER:
        if text.isdigit() and not _is_of_a_type(tokens, i):
            yield str(int(text) + 1)
    elif text in _FUNCTIONS and after and after.token_type == TokenType.L_PAREN:
        yield _FUNCTIONS[text]
    elif text == "*":
        if before.token_type in _ENDS_OPERAND and after and after.token_type != TokenType.R_PAREN:
            yield "+"
    elif text == "join":
        if before.token_type in _ENDS_OPERAND:
            yield "left join"
    elif text == "null" and before.text.lower() == "is":
        yield "not null"
    elif text == "not":
        yield ""
    elif text == "and" and _ends_between(tokens, i):
        return
    elif text in _INSTEAD:
        yield _INSTEAD[text]


def _is_of_a_type(tokens: list[Token], i: int) -> bool:
    """Whether a number stands in `decimal(38, 0)`."""
    return any(token.token_type == TokenType.DECIMAL for token in tokens[max(0, i - 4) : i])


def _ends_between(tokens: list[Token], i: int) -> bool:
    """Whether an `and` belongs to a `between`."""
    depth = 0
    for token in reversed(tokens[:i]):
        depth += (token.token_type == TokenType.R_PAREN) - (token.token_type == TokenType.L_PAREN)
        if depth < 0 or (depth == 0 and token.text.lower() in ("and", "or", "where", "on", "when", "select")):
            return False
        if depth == 0 and token.token_type == TokenType.BETWEEN:
            return True
    return False
