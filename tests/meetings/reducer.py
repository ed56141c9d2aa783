"""What a page does with events, as `docs/meetings.md` tells it, on the JSON that it was sent."""

from typing import Any

from diemcau.clock import rfc3339
from diemcau.store import Event

KEPT = 200


def reduce(state: dict[str, Any], event: Event) -> None:
    """Takes one event into a `MeetingState`."""
    data: Any = event.data
    floor, stage, at = state["floor"], state["stage"], rfc3339(event.at)
    state["sites"].update(data.get("names", {}))
    if "hands_total" in data:
        floor["hands_total"] = data["hands_total"]
    match event.type:
        case "meeting_opened":
            state.update(status="open", opened_at=at)
        case "meeting_ended":
            state.update(status="ended", ended_at=at, chair_mic="off")
            floor.update(speakers=[], hands=[], hands_total=0)
            stage.update(on_air=[None], preview=[None], before=[None], chair_pinned=False)
            stage.update(layouts=dict.fromkeys(stage["layouts"], "one"), captions={"on": True, "people": {}})
            stage.update(hold=None, presentation=None)
        case "sites_invited":
            state["invited"] = data["invited"]
        case "hand_raised" if "site" in data:
            floor["hands"].append({"site": data["site"], "at": at})
        case "hand_lowered" if "site" in data:
            floor["hands"] = [hand for hand in floor["hands"] if hand["site"] != data["site"]]
        case "floor_given":
            floor["hands"] = [hand for hand in floor["hands"] if hand["site"] != data["site"]]
            floor["speakers"].append({"site": data["site"], "since": at, "mic": "open"})
            set_mic(state, data["site"], "open")
        case "floor_ended":
            floor["speakers"] = [one for one in floor["speakers"] if one["site"] != data["site"]]
        case "mic_set":
            set_mic(state, data["site"], "open" if data["on"] else "off")
        case "muted":
            for site in data["sites"]:
                set_mic(state, site, "off" if site == state["chair_site"] else "muted")
        case "unmuted":
            set_mic(state, data["site"], "open")
        case "stage_previewed":
            stage["preview"] = list(data["slots"])
            stage["layouts"]["preview"] = data["layout"]
        case "stage_cut":
            stage.update(on_air=list(data["slots"]), before=list(data["before"]), hold=None)
            stage["layouts"].update(on_air=data["layout"], before=data["before_layout"])
        case "stage_held":
            stage["hold"] = (
                {"since": at, "text": data["text"], "until": data["until"]} if data["on"] else None
            )
        case "captions_set":
            stage["captions"]["on"] = data["on"]
        case "caption_set":
            stage["captions"]["people"] |= {data["site"]: data["caption"]}
        case "chair_pinned":
            stage["chair_pinned"] = data["on"]
        case "presentation_started":
            stage["presentation"] = {key: data[key] for key in ("key", "by", "name", "title")} | {"since": at}
        case "presentation_ended":
            stage["presentation"] = None
        case "message_posted":
            if "id" in data:
                keys = ("n", "id", "from", "to", "text", "ask")
                state["messages"].append({key: data[key] for key in keys} | {"at": at})
            state["messages"] = [one for one in state["messages"] if one["n"] > data["n"] - KEPT]
    stage["captions"]["people"] |= data.get("captions", {})
    prune(state)


def set_mic(state: dict[str, Any], site: str, mic: str) -> None:
    if site == state["chair_site"]:
        state["chair_mic"] = mic
    for speaker in state["floor"]["speakers"]:
        if speaker["site"] == site:
            speaker["mic"] = mic


def prune(state: dict[str, Any]) -> None:
    """Forgets the names of sites that the state no longer mentions."""
    stage, floor = state["stage"], state["floor"]
    mentioned = {state["chair_site"], *stage["on_air"], *stage["preview"], *stage["before"]}
    mentioned |= {one["site"] for one in (*floor["speakers"], *floor["hands"])}
    for message in state["messages"]:
        mentioned.add(message["to"])
        if message["from"]["kind"] == "site":
            mentioned.add(message["from"]["id"])
    staged = {*stage["on_air"], *stage["preview"], *stage["before"]}
    people = stage["captions"]["people"]
    stage["captions"]["people"] = {site: who for site, who in people.items() if who and site in staged}
    state["sites"] = {site: name for site, name in state["sites"].items() if site in mentioned}
