"""What the house is told of the stage over the bus: parts, pictures, voices, lines, ended connections."""

from collections.abc import Iterable, Mapping

from diemcau.bus import EPHEMERAL, Bus
from diemcau.clock import Clock
from diemcau.errors import JsonObject, JsonValue
from diemcau.media import wire
from diemcau.stage import desired
from diemcau.stage.checks import lined_up
from diemcau.stage.mirror import Mirror
from diemcau.stage.scene import Machine, Part
from diemcau.stage.watched import Watched

PARTS = "eph:stage:parts"
"""Bus topic: `{"meeting": id, "sites": [ids]}` whose part has changed (see `Stage.part`)."""

GONE = "eph:stage:gone"
"""Bus topic: connections that ended, `{"party": id, "viewers": [..], "publishers": [..], "reason": str}`."""

STANDING = "eph:stage:standing"
"""Bus topic, empty body: the node told what it holds; what a party holds beside that has ended unseen."""

LINES = "eph:stage:lines"
"""Bus topic: viewers whose lines carry more or less than before,
`{"viewers": [{"party": id, "viewer": name, "step": str, "why": str | None}]}`."""


class Telling:
    """Says what has changed since it was last said."""

    def __init__(self, mirror: Mirror, watched: Mapping[str, Watched], bus: Bus, clock: Clock) -> None:
        """`mirror`, `watched`: as the keeper holds them."""
        self._mirror, self._watched, self._bus, self._clock = mirror, watched, bus, clock

    def announce(self, meeting: str, watched: Watched, machine: Machine) -> None:
        """Tells the sites whose part has changed, and everybody which pictures there are."""
        shown = {site for site in self._mirror.shown(meeting) if site is not None}
        sources = self._mirror.sources(meeting)
        encoding = self._mirror.encoding(meeting)
        pinned_by = self._mirror.pinned_by(meeting)
        asked = desired.asked(
            watched.scene, shown, {*pinned_by, *watched.warm}, machine.called, watched.talked
        )
        parts = desired.parts(watched.scene, asked, sources, shown, encoding, machine.called, pinned_by)
        before, watched.parts = watched.parts, parts
        changed = [
            site for site in sorted({*before, *parts}) if before.get(site, Part()) != parts.get(site, Part())
        ]
        if changed:
            self._bus.publish(PARTS, {"meeting": meeting, "sites": changed})
        live = sorted(site for site, source in sources.items() if source.video_live)
        if watched.checks.follow(lined_up(watched.scene), live, self._clock.now()):
            self._ephemeral(meeting, "lineup", watched.checks.to_json())
        if live != watched.live:
            came_or_went = {*live} ^ {*watched.live}
            watched.live = live
            self._bus.publish(
                f"{EPHEMERAL}meeting:{meeting}",
                {
                    "topic": "stage",
                    "data": {"live": list(live), "shown": []},
                    "hurry": not came_or_went.isdisjoint(watched.scene.on_air),
                },
            )

    def shown(self, event: wire.SlotShownEvent) -> None:
        """A slot carries a picture."""
        meeting = event.program.removeprefix("meeting/")
        watched = self._watched.get(meeting)
        if watched is None:
            return
        site = self._mirror.site_of(event.track)
        shown: JsonObject = {"slot": event.slot, "site": site, "after_ms": event.after_ms}
        topic = f"{EPHEMERAL}meeting:{meeting}"
        self._bus.publish(topic, {"topic": "stage", "data": {"live": list(watched.live), "shown": [shown]}})

    def speaking(self, event: wire.SpeakingEvent) -> None:
        """Who speaks now."""
        meeting = event.program.removeprefix("meeting/")
        watched = self._watched.get(meeting)
        if watched is None:
            return
        watched.speaking = [
            site for track in event.tracks if (site := self._mirror.site_of(track)) is not None
        ]
        self._ephemeral(meeting, "speaking", {"sites": list(watched.speaking)})

    def levels(self, event: wire.LevelsEvent) -> None:
        """How loud each is; a voice of who is lined up is a mark."""
        by_meeting: dict[str, dict[str, int]] = {}
        for level in event.levels:
            publisher = self._mirror.track(level.track)
            if publisher is not None:
                by_meeting.setdefault(publisher.meeting, {})[publisher.site] = level.dbov
        for meeting, levels in by_meeting.items():
            told: dict[str, JsonValue] = {**levels}
            self._ephemeral(meeting, "levels", {"levels": told})
            watched = self._watched.get(meeting)
            if watched is not None and watched.checks.hear(levels, self._clock.now()):
                self._ephemeral(meeting, "lineup", watched.checks.to_json())

    def lines(self, event: wire.QualityEvent) -> None:
        """Viewers whose lines carry more or less than before."""
        changed: list[JsonValue] = [
            {"party": viewer.party, "viewer": viewer.name, "step": viewer.step, "why": viewer.why}
            for viewer in self._mirror.take_quality(event)
        ]
        if changed:
            self._bus.publish(LINES, {"viewers": changed})

    def steps(self) -> None:
        """Operators: what has changed since a second ago, of all sites in one message."""
        for meeting, watched in self._watched.items():
            steps = self._mirror.steps(meeting)
            if steps == watched.steps:
                continue
            changed: JsonObject = {
                party: steps.get(party, "high")
                for party in sorted({*steps, *watched.steps})
                if steps.get(party) != watched.steps.get(party)
            }
            watched.steps = steps
            topic = f"{EPHEMERAL}meeting:{meeting}"
            self._bus.publish(topic, {"topic": "quality", "data": {"steps": changed}})

    def all_gone(self, reason: str) -> None:
        """Everything that the node held has ended."""
        parties: dict[str, tuple[list[str], list[str]]] = {}
        for viewer in self._mirror.viewers.values():
            parties.setdefault(viewer.party, ([], []))[0].append(viewer.name)
        for publisher in self._mirror.publishers.values():
            parties.setdefault(publisher.party, ([], []))[1].append(publisher.name)
        for party, (viewers, publishers) in parties.items():
            self.gone(party, viewers=viewers, publishers=publishers, reason=reason)

    def gone(
        self, party: str, *, viewers: Iterable[str] = (), publishers: Iterable[str] = (), reason: str
    ) -> None:
        """Connections of the party have ended."""
        body: JsonObject = {
            "party": party,
            "viewers": list(viewers),
            "publishers": list(publishers),
            "reason": reason,
        }
        self._bus.publish(GONE, body)

    def standing(self) -> None:
        """The node has said what it holds."""
        self._bus.publish(STANDING, {})

    def _ephemeral(self, meeting: str, topic: str, data: JsonObject) -> None:
        self._bus.publish_latest(f"{EPHEMERAL}meeting:{meeting}", topic, {"topic": topic, "data": data})
