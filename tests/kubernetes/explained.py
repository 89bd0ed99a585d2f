"""Lists of findings that are meant to be so. What is not in them fails, and so does an entry that explains nothing."""

import dataclasses
import re
import tomllib

FIELDS = {"check", "resources", "reason", "when"}


@dataclasses.dataclass
class Explained:
    """One list: `[[explained]]` with `check`, `resources` (patterns), `reason`, and `when` for certain
    options and projects only."""

    path: object
    entries: list = dataclasses.field(default_factory=list)
    used: set = dataclasses.field(default_factory=set)

    def __post_init__(self):
        self.entries = tomllib.loads(self.path.read_text())["explained"]
        for entry in self.entries:
            if set(entry) - FIELDS or not entry.get("check") or not entry.get("resources"):
                raise ValueError(f"{self.path.name}: an entry has check, resources, reason and perhaps when: {entry}")
            if len(entry.get("reason", "").split()) < 5:
                raise ValueError(f"{self.path.name}: {entry['check']} needs a sentence as its reason")

    def judge(self, project, found):
        """Sentences about the findings (check, resource, sentence) of a project that nothing explains."""
        problems = []
        for check, resource, sentence in found:
            labels = project.options | {project.name}
            hits = {
                (number, pattern)
                for number, entry in enumerate(self.entries)
                if entry["check"] == check and (not entry.get("when") or labels & set(entry["when"]))
                for pattern in entry["resources"]
                if re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]*"), resource)
            }
            self.used |= hits
            if not hits:
                problems.append(f"{project.name}: {check} {resource}: {sentence}")
        return problems

    def stale(self):
        """Sentences about patterns that explained nothing."""
        return [
            f"{self.path.name}: {entry['check']} {pattern!r} matches nothing; take it out"
            for number, entry in enumerate(self.entries)
            for pattern in entry["resources"]
            if (number, pattern) not in self.used
        ]
