"""The JSON Schema of what is recorded of an event, made from its model: what other teams may rely on."""

from typing import Any, Final

from ultracore_jobs.lifecycle.events import Event

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def event_schema(event_type: type[Event]) -> dict[str, Any]:
    """The schema of an event's canonical body: the envelope, and its own fields under ``payload``."""
    model = event_type.model_json_schema(mode="validation")
    fields, required = model["properties"], set(model["required"])
    own = [name for name, _ in event_type.PAYLOAD]
    envelope = {name: schema for name, schema in fields.items() if name not in own}
    properties = {
        **envelope,
        "event_type": {"const": event_type.__name__},
        "schema_version": {"const": event_type.SCHEMA_VERSION},
        "seq": {"type": "integer", "minimum": 1},
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: fields[name] for name in own},
            "required": [name for name in own if name in required],
        },
    }
    # Without what docstrings say: a better sentence is no change of what is recorded.
    shared = {
        name: {key: value for key, value in one.items() if key != "description"}
        for name, one in model.get("$defs", {}).items()
    }
    fixed = {"event_type", "schema_version", "seq", "payload"}
    return {
        "$schema": _DIALECT,
        "title": event_type.__name__,
        "type": "object",
        "additionalProperties": False,
        "properties": dict(sorted(properties.items())),
        "required": sorted((required & set(envelope)) | fixed),
        **({"$defs": shared} if shared else {}),
    }
