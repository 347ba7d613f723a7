"""Switches (``features`` in ``romi.yaml``): what is on, off or shadow, by region.

Shadow is computed and compared, and not published; of a check, found and told, and nothing withheld for it.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from settings.errors import UnknownValueError
from settings.incidents import Response
from settings.sections import Topic

State = Literal["on", "off", "shadow"]
MODELS = ("markov", "shapley", "counterfactual")  # those that learn; finance's own rules are always on
FORMATS: tuple[str, ...] = get_args(Topic.model_fields["format"].annotation)
RESPONSES: tuple[str, ...] = get_args(Response)
CHECK = "check."  # before the name of a rule of what finance may expect
DEFAULT = "default"


def read_features(values: Any) -> dict[str, dict[str, State]]:
    """The switches by feature, then by region, with ``default`` for the others. In YAML, on and off are truth values.

    Raises:
        ValueError: a feature or a state is unknown, or one has no shadow.
    """
    if not isinstance(values, dict | None):
        raise ValueError("a feature and its state, such as {markov: {default: on, us: off}}")
    found: dict[str, dict[str, State]] = {}
    for name, states in (values or {}).items():
        if name not in (*MODELS, *FORMATS, *RESPONSES) and not str(name).startswith(CHECK):
            known = [*MODELS, *FORMATS, *RESPONSES, f"{CHECK}<rule>"]
            raise ValueError(str(UnknownValueError("feature", name, known)))
        by_region = states if isinstance(states, dict) else {DEFAULT: states}
        found[name] = {str(region): _state(name, state) for region, state in by_region.items()}
    return found


def _state(name: str, value: Any) -> State:
    word = ("on" if value else "off") if isinstance(value, bool) else value
    state = next((one for one in get_args(State) if one == word), None)
    if state is None:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(get_args(State))}")
    if state == "shadow" and name in FORMATS:
        raise ValueError(f"{name}: a source format is on or off; `romi check FILE` tries a file without loading it")
    found: State = state
    return found
