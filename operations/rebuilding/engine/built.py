"""What a build did, as dbt told it node by node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
TEST = "LogTestResult"
_RESULTS = ("LogModelResult", "LogSeedResult", TEST)


@dataclass
class Built:
    """What a build did: the models and seeds that it built, the tests that it ran, and those that failed."""

    models: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)


@dataclass
class Hearing:
    """Listens to what dbt says of its nodes as it builds them."""

    failing: set[str]  # tests whose warnings are failures
    on_event: Callable[[Event], None]
    passed_over: frozenset[str] = frozenset()  # nodes that nobody else knows of
    built: Built = field(default_factory=Built)

    def hear(self, message: Any) -> None:
        from google.protobuf.json_format import MessageToDict

        if message.info.name not in _RESULTS:
            return
        self.take(MessageToDict(message, preserving_proto_field_name=True))

    def take(self, event: Event) -> None:
        """A node's result, as dbt tells it."""
        node, status = event["data"]["node_info"], event["data"]["status"]
        name, is_test = node["unique_id"].split(".")[2], event["info"]["name"] == TEST
        if name in self.passed_over:
            return
        if is_test:
            self.built.tests.append(name)
        if status == "warn" and node["unique_id"] in self.failing:
            self.built.failed_tests.append(name)
            event["data"]["status"] = node["node_status"] = "fail"
        elif status != "error" and not is_test:
            self.built.models.append(name)
        self.on_event(event)
