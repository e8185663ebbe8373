"""The table and the closing line of a run."""

import dataclasses

COVERED_PERCENT_MIN = 95.0


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    inputs: int
    per_second: int
    covered: int
    lines: int
    failure: str

    @property
    def percent(self):
        return 100.0 * self.covered / self.lines if self.lines else 0.0

    def problem(self, inputs_wanted):
        """Why this decoder does not pass; empty when it does."""
        if self.failure:
            return self.failure
        if self.inputs < inputs_wanted:
            return f"only {self.inputs} inputs"
        if self.percent < COVERED_PERCENT_MIN:
            return f"covers {self.percent:.1f} % of its lines, under {COVERED_PERCENT_MIN:.0f} %"
        return ""


def table(rows, inputs_wanted):
    lines = [f"{'decoder':<16}{'inputs':>12}{'exec/s':>10}{'lines':>12}{'covered':>10}  result"]
    for row in rows:
        lines.append(f"{row.name:<16}{row.inputs:>12}{row.per_second:>10}"
                     f"{f'{row.covered}/{row.lines}':>12}{row.percent:>8.1f} %"
                     f"  {row.problem(inputs_wanted) or 'ok'}")
    return "\n".join(lines)


def closing_line(rows, inputs_wanted):
    failed = sum(bool(row.problem(inputs_wanted)) for row in rows)
    return f"{len(rows) - failed} passed, {failed} failed, 0 skipped"
