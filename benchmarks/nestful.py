"""Tools and plans in NESTFUL's form, where an argument refers to an earlier output as `$var1.field$`, as ours.

Two sets: `nestful` (nestful_v1, three files of tools, no responses) and `complexfuncbench` (one file of
40 tools, and the recorded response of every call).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from benchmarks.common import data_dir, jsonl
from rag.plan import Plan, Ref, Step, text

__all__ = ["SETS", "Request", "made", "requests", "resolved", "specifications"]

SETS: Final = ("nestful", "complexfuncbench")

_REFERENCE: Final = re.compile(r"\$(?P<step>var\d+)(?:\.(?P<path>[^$]+))?\$")
_ELEMENT: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_RESULT: Final = "var_result"
_ARGUMENTS: Final = ("query_parameters", "path_parameters", "parameters", "arguments")


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its gold plan. `tools` names the file of tools; `responses` are by step, where recorded."""

    id: str
    question: str
    plan: Plan
    tools: str
    responses: Mapping[str, Any] = field(default_factory=dict)


def requests(name: str) -> Iterator[Request]:
    """The requests of a set, in order. What a request's answer is to be made of, NESTFUL's last call, is no step."""
    if name == "nestful":
        for told in jsonl(data_dir("nestful_v1") / "plans.jsonl.gz"):
            yield _request(told, str(told["id"]).rsplit("-", 1)[0])
    else:
        for told in jsonl(data_dir("complexfuncbench_nestful") / "plans_with_responses.jsonl.gz"):
            yield _request(told, name)


def _request(told: Mapping[str, Any], tools: str) -> Request:
    steps: list[Step] = []
    responses: dict[str, Any] = {}
    ids: dict[str, str] = {}
    for call in told["output"]:
        if call["name"] == _RESULT:
            continue
        args = _value(call["arguments"], ids)
        # One request calls two steps alike: as with variables, the later one is meant from there on.
        step_id = call["label"] + "b" * (call["label"] in ids)
        ids[call["label"]] = step_id
        steps.append(Step(id=step_id, source=call["name"], args=args))
        if "response" in call:
            responses[step_id] = call["response"]
    question = told["input"].strip()
    return Request(told["id"], question, Plan(steps=tuple(steps), question=question), tools, responses)


def _value(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        parts: list[str | Ref] = []
        end = 0
        for match in _REFERENCE.finditer(value):
            step = ids.get(match["step"], match["step"])
            parts += [value[end : match.start()], Ref(step, _path(match["path"]) or (0,))]
            end = match.end()
        return text(*parts, value[end:])
    if isinstance(value, dict):
        return {name: _value(item, ids) for name, item in value.items()}
    return [_value(item, ids) for item in value] if isinstance(value, list) else value


def _path(written: str | None) -> tuple[str | int, ...]:
    return tuple(int(index) if index else name for index, name in _ELEMENT.findall(written or ""))


def resolved(value: Any, responses: Mapping[str, Any]) -> Any:
    """A gold value with its references followed as NESTFUL does, into the first item of a list."""
    if isinstance(value, Ref):
        return _walked(responses[value.step], value.fields)
    if isinstance(value, dict):
        return {name: resolved(item, responses) for name, item in value.items()}
    return [resolved(item, responses) for item in value] if isinstance(value, list) else value


def _walked(found: Any, path: tuple[Any, ...]) -> Any:
    for element in path:
        if isinstance(found, list) and isinstance(element, str):
            found = found[0]
        found = found[element]
    return found


@cache
def specifications(name: str) -> Mapping[str, list[dict[str, Any]]]:
    """The tools of a set by file, as function-calling specifications; of tools of one name the first."""
    if name == "nestful":
        folder = data_dir("nestful_v1")
        files = {kind: folder / f"{kind}-spec.json" for kind in ("executable", "glaive", "sgd")}
    else:
        files = {name: data_dir("complexfuncbench_nestful") / "spec_slim.json"}
    found = {}
    for kind, path in files.items():
        tools = json.loads(path.read_text(encoding="utf-8"))
        found[kind] = list({tool["name"]: _specification(tool) for tool in reversed(tools)}.values())[::-1]
    return found


def _specification(tool: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: told for key in _ARGUMENTS for name, told in (tool.get(key) or {}).items()}
    parameters = {"type": "object", "properties": {name: _schema(told) for name, told in arguments.items()}}
    required = [name for name, told in arguments.items() if told.get("required") is True]
    outputs = tool.get("output_parameters") or {name: {} for name in tool.get("output_fields", ())}
    return {
        "name": tool["name"],
        "description": tool["description"],
        "parameters": parameters | {"required": required},
        "outputSchema": {"type": "object", "properties": {name: _schema(told) for name, told in outputs.items()}},
    }


def _schema(told: Any) -> dict[str, Any]:
    """A parameter's own words as a JSON schema; some are only a type's name."""
    if not isinstance(told, Mapping):
        return {"type": str(told)}
    kept = {key: told[key] for key in ("type", "description", "format") if key in told}
    default = told.get("default", told.get("default_value"))
    if choices := told.get("enum") or told.get("allowed_values") or told.get("possible_values"):
        kept["enum"] = choices
    if isinstance(items := told.get("items"), Mapping):
        kept["items"] = _schema(items)
    if isinstance(fields := told.get("properties"), Mapping):
        kept["properties"] = {name: _schema(each) for name, each in fields.items()}
    return kept | ({"default": default} if default is not None else {})


def made(schema: Mapping[str, Any], name: str = "row") -> Any:
    """A value that fits a declared output, where no response was recorded."""
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("properties"):
        return {key: made(told, key) for key, told in schema["properties"].items()}
    simple = {"integer": 1, "number": 1, "boolean": True, "object": {}}
    if schema.get("type") == "array":
        return [made(schema.get("items", {}), name)]
    return simple.get(str(schema.get("type")), f"a {name}")
