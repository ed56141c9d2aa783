"""Commands of talkbacks as values, and the one parser that makes them from what a client sent."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from diemcau.errors import BadRequest

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+$")]


class OpenTalk(_Command):
    """`talk.open`: a private word with a site that is in the meeting."""

    type: Literal["talk.open"]
    meeting: Name
    site: Name


class Say(_Command):
    """`talk.say`: the asking end, operator or site, is heard by the other, or no longer."""

    type: Literal["talk.say"]
    talk: Name
    on: bool


class MuteTalk(_Command):
    """`talk.mute`: the operator does not want to hear this site now."""

    type: Literal["talk.mute"]
    talk: Name
    on: bool


class Together(_Command):
    """`talk.together`: the sites that the asker speaks with in the meeting hear each other, or no longer."""

    type: Literal["talk.together"]
    meeting: Name
    on: bool


class Tap(_Command):
    """`talk.tap`: the site answers without a voice: it hears well, or it does not."""

    type: Literal["talk.tap"]
    talk: Name
    clear: bool


class EndTalk(_Command):
    """`talk.end`, by either end, or by who may talk with the site himself."""

    type: Literal["talk.end"]
    talk: Name


TalkCommand = OpenTalk | Say | MuteTalk | Together | Tap | EndTalk
_COMMANDS: TypeAdapter[TalkCommand] = TypeAdapter(Annotated[TalkCommand, Field(discriminator="type")])

TALK_PREFIX: Final = "talk."
TALK_TYPES: Final = ("talk.open", "talk.say", "talk.mute", "talk.together", "talk.tap", "talk.end")


def parse_talk(message: dict[str, Any]) -> TalkCommand:
    """`{"id", "type", ...}` (an `op` is ignored) as a command. Raises BadRequest."""
    fields = {key: value for key, value in message.items() if key != "op"}
    if "talk" in fields:
        fields.pop("meeting", None)  # a page names its meeting with every command
    try:
        return _COMMANDS.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])[:100]
        raise BadRequest(f"{field}: {first['msg']}"[:300], field=field) from error
