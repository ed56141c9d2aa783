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
            floor.update(speakers=[], hands=[], hands_total=0, list=[], last_mute=None)
            stage.update(on_air=[None], preview=[None], before=[None], line_up=[])
            state.update(away={}, direction=None)
            stage["chair_pinned"] = False
            stage.update(layouts=dict.fromkeys(stage["layouts"], "one"), captions={"on": True, "people": {}})
            stage.update(hold=None, presentation=None)
        case "sites_invited":
            state["invited"] = data["invited"]
        case "hand_raised" if "site" in data:
            raised = {"site": data["site"], "at": at, "rank": event.seq, "branch": data.get("branch")}
            floor["hands"].append({**raised, "forwarded": None})
        case "hand_lowered" if "site" in data:
            floor["hands"] = [hand for hand in floor["hands"] if hand["site"] != data["site"]]
        case "hand_forwarded" if "site" in data:
            hand_of(state, data["site"])["forwarded"] = {"at": at, "note": data["note"], "by": data["by"]}
        case "hand_recalled" if "site" in data:
            hand_of(state, data["site"])["forwarded"] = None
        case "hand_moved" if "site" in data:
            hand_of(state, data["site"])["rank"] = data["rank"]
        case "floor_given":
            floor["hands"] = [hand for hand in floor["hands"] if hand["site"] != data["site"]]
            floor["list"] = [entry for entry in floor["list"] if entry["site"] != data["site"]]
            speaker = {"site": data["site"], "since": at, "mic": "open", "until": data.get("until")}
            floor["speakers"].append({**speaker, "asked": None})
            touched(floor, data["site"])
            set_mic(state, data["site"], "open")
        case "floor_extended":
            speaker_of(floor, data["site"])["until"] = data["until"]
        case "floor_ended":
            floor["speakers"] = [one for one in floor["speakers"] if one["site"] != data["site"]]
            touched(floor, data["site"])
        case "floor_rules_set":
            floor.update(minutes=data["minutes"], auto_end=data["auto_end"])
        case "list_set":
            floor["list"] = data["entries"]
        case "agenda_set":
            state["agenda"] = {"version": data["version"], "items": data["items"]}
        case "mic_set":
            set_mic(state, data["site"], "open" if data["on"] else "off")
            for one in floor["speakers"]:
                if data["on"] and one["site"] == data["site"] and one["asked"] and not one["asked"]["answer"]:
                    one["asked"]["answer"] = "yes"
        case "muted":
            for site in data["sites"]:
                set_mic(state, site, "off" if site == state["chair_site"] else "muted")
            if data.get("many"):
                sites = data["sites"]
                last = {"n": event.seq, "unit": data["unit"], "count": len(sites), "sites": list(sites)}
                floor["last_mute"] = {**last, "by": data["by"], "at": at}
        case "unmuted":
            set_mic(state, data["site"], "open")
            touched(floor, data["site"])
        case "unmute_asked":
            speaker_of(floor, data["site"])["asked"] = {"at": at, "answer": None}
        case "unmute_answered":
            asked = speaker_of(floor, data["site"])["asked"]
            asked["answer"] = "yes" if data["yes"] else "no"
        case "stage_previewed":
            stage["preview"] = list(data["slots"])
            stage["layouts"]["preview"] = data["layout"]
            stage["line_up"] = [site for site in stage["line_up"] if site not in data["slots"]]
        case "stage_cut":
            stage.update(on_air=list(data["slots"]), before=list(data["before"]), hold=None)
            stage["layouts"].update(on_air=data["layout"], before=data["before_layout"])
            stage["line_up"] = [site for site in stage["line_up"] if site not in data["slots"]]
        case "stage_lined_up":
            stage["line_up"] = list(data["sites"])
        case "secrecy_raised":
            state.update(secrecy=data["secrecy"], may_record=False)
        case "site_called_out":
            state["away"][data["site"]] = {"since": at, "by": data["by"], "whence": data["whence"]}
        case "site_returned":
            state["away"].pop(data["site"], None)
        case "direction_taken":
            state["direction"] = {"since": at, "by": data["by"], "whence": data["whence"]}
        case "direction_returned":
            state["direction"] = None
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


def hand_of(state: dict[str, Any], site: str) -> Any:
    return next(hand for hand in state["floor"]["hands"] if hand["site"] == site)


def speaker_of(floor: Any, site: str) -> Any:
    return next(one for one in floor["speakers"] if one["site"] == site)


def touched(floor: Any, site: str) -> None:
    """The site's microphone is no longer as the last mute of many left it."""
    if floor["last_mute"]:
        floor["last_mute"]["sites"] = [one for one in floor["last_mute"]["sites"] if one != site]


def prune(state: dict[str, Any]) -> None:
    """Forgets the names of sites that the state no longer mentions."""
    stage, floor = state["stage"], state["floor"]
    mentioned = {
        state["chair_site"],
        *stage["on_air"],
        *stage["preview"],
        *stage["before"],
        *stage["line_up"],
    }
    mentioned |= set(state["away"])
    mentioned |= {one["site"] for one in (*floor["speakers"], *floor["hands"])}
    if state["reach"] != "site":
        mentioned |= {entry["site"] for entry in floor["list"]}
        mentioned |= {site for item in state["agenda"]["items"] for site in item["sites"]}
    for message in state["messages"]:
        mentioned.add(message["to"])
        if message["from"]["kind"] == "site":
            mentioned.add(message["from"]["id"])
    staged = {*stage["on_air"], *stage["preview"], *stage["before"]}
    people = stage["captions"]["people"]
    stage["captions"]["people"] = {site: who for site, who in people.items() if who and site in staged}
    state["sites"] = {site: name for site, name in state["sites"].items() if site in mentioned}
