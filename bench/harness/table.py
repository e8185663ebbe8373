"""Text tables, and what a figure must be read with: the machine."""

import os
import pathlib


def render(header, rows):
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(_aligned(cell, width) for cell, width in zip(row, widths)).rstrip()
             for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _aligned(cell, width):
    return cell.rjust(width) if cell[:1].isdigit() or cell == "-" else cell.ljust(width)


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def machine():
    """One line: processor and how many of its CPUs this process may use."""
    return f"{cpu_model()}, {len(os.sched_getaffinity(0))} CPUs"
