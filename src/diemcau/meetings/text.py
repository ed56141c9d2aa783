"""Text messages."""

from diemcau.errors import BadRequest, JsonObject
from diemcau.meetings.commands import Post
from diemcau.meetings.context import Context, Draft, must_be_invited, must_be_present, must_not_have_ended
from diemcau.meetings.meeting import Meeting


def post(meeting: Meeting, command: Post, context: Context) -> list[Draft]:
    """A joined site writes to the desk; the desk writes to everybody, to itself, to one site."""
    must_not_have_ended(meeting)
    if command.ask and command.to == "desk":
        raise BadRequest("only sites are asked for an answer", field="ask")
    actor = context.actor
    mentioned: list[str] = []
    name = actor.name
    if actor.site is not None:
        must_be_present(context, actor.site)
        mentioned.append(actor.site)
        name = context.names[actor.site].label
    if command.to not in ("all", "desk"):
        must_be_invited(context, [command.to])
        mentioned.append(command.to)
    data: JsonObject = {
        "n": meeting.message_count + 1,
        "id": context.new_id("t"),
        "from": {"kind": actor.kind, "id": actor.id, "name": name},
        "to": command.to,
        "text": command.text,
        "ask": command.ask,
        "names": context.named(mentioned),
    }
    return [("message_posted", data)]
