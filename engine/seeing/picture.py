"""Draws what was heard: panels over one time axis, dark, one colour a thing. Public: draw.

The only importer of matplotlib, through its objects and never pyplot: no display, no global figure. Lengths in here
are pixels of a picture 1600 wide; another size scales all of it, words too.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from engine.hearing.features import HZ
from engine.seeing.heard import Array, Heard
from engine.seeing.truth import FAR, NEAR, Verdict

_WIDTH = 1600
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 84, 36, 140, 62, 36  # _GAP holds the next panel's title
_NIGHT, _PANEL, _LINE = "#0a0913", "#100e1c", "#2b2843"
_WHITE, _GREY = "#f1edfb", "#8f89ad"
_BEAT, _DOWN = "#45e0e6", "#ff4d9d"  # cyan and magenta, wherever beats and downbeats stand
_HIT, _LATE, _MISSED = "#6ff2a8", "#ffb347", "#ff5063"  # within 25 ms, within 70 ms, not
_DRUMS = {"kick": "#ff7d5c", "snare": "#ffd75e", "hat": "#9cc4ff"}
_LEVELS = {"energy": "#b98cff", "mood": "#ff8f66", "brightness": "#8fc2ff"}
_SECTIONS = {
    "silence": "#2a2740", "intro": "#3b6fb5", "steady": "#2b8f93", "breakdown": "#6c4bb8", "build": "#c98a2b",
    "drop": "#d63a7d",
}  # fmt: skip
_EMBER = LinearSegmentedColormap.from_list(
    "ember", [_PANEL, "#221447", "#561c78", "#a32c6f", "#e5574d", "#ffab4a", "#fff4cf"]
)
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "font.size": 9.5,
    "text.color": _WHITE,
    "text.parse_math": False,  # a song may be called "$$$"
    "figure.facecolor": _NIGHT,
    "savefig.facecolor": _NIGHT,
    "axes.facecolor": _PANEL,
    "axes.edgecolor": _LINE,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.labelcolor": _GREY,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _GREY,
    "ytick.labelcolor": _GREY,
    "xtick.major.size": 4,
    "ytick.major.size": 3,
    "svg.hashsalt": "getaway",
}
_BLUR = 0.05  # octaves, 3.5 %
_OUTLINE = [Stroke(linewidth=2.6, foreground=_NIGHT), Normal()]

_Words = Sequence[tuple[str, str]]  # (words, colour) beside a panel's name: its legend
_Panel = tuple[int, str, _Words, Callable[[Axes, Heard, Verdict | None], None]]


def draw(heard: Heard, verdict: Verdict | None, kind: str, width: int, height: int | None) -> bytes:
    """The picture as a file of `kind`: png, svg or pdf. width, height: pixels; no height: as the panels need."""
    panels = _panels(heard, verdict)
    needed = _TOP + sum(pixels + _GAP for pixels, *_ in panels) - _GAP + _BOTTOM
    scale = min(width / _WIDTH, height / needed) if height else width / _WIDTH
    across, down = width / scale, height / scale if height else float(needed)
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a name in letters the font lacks
        matplotlib.rcdefaults()  # not the user's own style
        matplotlib.rcParams.update(_STYLE)
        # A hundredth of a pixel more, since matplotlib rounds down.
        figure = Figure(((width + 0.01) / scale / 100, (down + 0.01) / 100), dpi=100 * scale)
        stretch = (down - needed) / sum(pixels for pixels, *_ in panels) + 1.0
        top = down - _TOP
        for number, (pixels, name, words, fill) in enumerate(panels):
            tall = pixels * stretch
            spot = (_LEFT / across, (top - tall) / down, 1.0 - (_LEFT + _RIGHT) / across, tall / down)
            axes = figure.add_axes(spot, xlim=(heard.start, heard.end))
            _title(figure, axes, name, words)
            fill(axes, heard, verdict)
            _dress(axes, last=number == len(panels) - 1)
            top -= tall + _GAP
        _head(figure, heard, verdict, across, down)
        file = io.BytesIO()
        dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(file, format=kind, metadata=dates[kind])
    return file.getvalue()


def _panels(heard: Heard, verdict: Verdict | None) -> list[_Panel]:
    """Top to bottom: height, name, legend, what fills it. What the tracker can't tell is left out."""
    told = [("within 25 ms", _HIT), ("within 70 ms", _LATE), ("missed", _MISSED), ("tall: downbeat", _GREY)]
    plain = [("beat", _BEAT), ("downbeat", _DOWN)]
    panels: list[_Panel] = [
        (26, "section", [], _sections),
        (290, "spectrum", [("what the features hear, Hz", _GREY)], _spectrum),
        (96, "hits", [("as told, height: strength", _GREY)], _hits),
    ]
    if heard.activations.size:
        panels.append((130, "activations", [("beat", _BEAT), ("downbeat", _DOWN)], _activations))
    tempo = [("the line", _BEAT), *([("truth", _WHITE)] if verdict else []), ("BPM", _GREY)]
    if heard.tempi is not None:
        tempo.append(("behind: how likely each tempo is, as the pointer has it", _GREY))
    panels.append((210 if heard.tempi is not None else 120, "tempo", tempo, _tempo))
    panels.append((64 if verdict else 40, "beats", told if verdict else plain, _beats))
    if verdict or heard.activations.size:
        against = "from the true beats" if verdict else "from the beats heard"
        panels.append((110, "phase", [(f"of the fired beats {against}, ms, late is up", _GREY)], _phase))
    panels.append((84, "confidence", [("beats", _BEAT), ("bars", _DOWN)], _trust))
    levels = [("loudness", _GREY), *_LEVELS.items(), ("0..1", _GREY)]
    panels.append((110, "levels", levels, _levels))
    return panels


# ---- the frame round the panels ----


def _title(figure: Figure, axes: Axes, name: str, words: _Words) -> None:
    parts: list[Artist] = [TextArea(name.upper(), textprops={"color": _WHITE, "fontsize": 10, "fontweight": "bold"})]
    parts += [TextArea(word, textprops={"color": colour, "fontsize": 9.5}) for word, colour in words]
    row = HPacker(children=parts, align="baseline", pad=0, sep=11)
    above = axes.transAxes + ScaledTranslation(0.0, 0.055, figure.dpi_scale_trans)
    box = AnchoredOffsetbox(
        "lower left", child=row, pad=0, borderpad=0, frameon=False, bbox_to_anchor=(0, 1, 0, 0), bbox_transform=above
    )
    axes.add_artist(box)


def _dress(axes: Axes, *, last: bool) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(13, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda at, _: f"{at:g} s" if at < 100 else f"{int(at) // 60}:{at % 60:02.0f}")
    axes.tick_params(axis="x", labelbottom=last, labelsize=10)


def _head(figure: Figure, heard: Heard, verdict: Verdict | None, across: float, down: float) -> None:
    """The song's name, what is shown of it, and three figures large enough for the other side of the room."""
    name = heard.path.name if len(heard.path.name) <= 48 else f"{heard.path.name[:30]}…{heard.path.name[-17:]}"
    figure.text(_LEFT / across, 1 - 52 / down, name, fontsize=23, fontweight="bold", va="baseline")
    shown = f"{heard.start:.1f} to {heard.end:.1f} s of {heard.length:.1f} s"
    words = f"what Getaway hears   ·   {shown}   ·   {heard.tracker} tracker, as live   ·   {heard.rate / 1000:g} kHz"
    figure.text(_LEFT / across, 1 - 80 / down, words, fontsize=10.5, color=_GREY, va="baseline")
    bpm = heard.curve("bpm")
    tempo = f"{np.nanmedian(bpm):.1f}" if np.isfinite(bpm).any() else "–"
    figures = [(tempo, "BPM, median", _BEAT), (str(heard.beats_per_bar), "beats a bar", _DOWN)]
    if verdict:
        offset = "–" if np.isnan(verdict.offset) else f"{1000 * verdict.offset:+.1f}".replace("-", "−")
        figures += [
            (f"{verdict.f_far:.3f}", "F within 70 ms", _LATE),
            (f"{verdict.f_near:.3f}", "F within 25 ms", _HIT),
            (offset, "ms off, median", _WHITE),
        ]
    rule = figure.add_axes((_LEFT / across, 1 - 98 / down, 1 - (_LEFT + _RIGHT) / across, 2 / down))
    rule.imshow(np.linspace(0.15, 0.85, 256)[None], cmap=_EMBER, vmin=0.0, vmax=1.0, aspect="auto")
    rule.set_axis_off()
    for place, (value, says, colour) in enumerate(reversed(figures)):
        at = 1 - (_RIGHT + 148 * place) / across
        figure.text(at, 1 - 52 / down, value, fontsize=23, fontweight="bold", color=colour, ha="right", va="baseline")
        figure.text(at, 1 - 80 / down, says, fontsize=9.5, color=_GREY, ha="right", va="baseline")


def _across_beats(axes: Axes, heard: Heard) -> None:
    """Each fired beat as a thin line through the panel, downbeats brighter."""
    for downs, alpha in ((False, 0.07), (True, 0.2)):
        times = [beat.time for beat in heard.fired if (beat.place == 1) == downs]
        axes.vlines(times, 0, 1, transform=axes.get_xaxis_transform(), color=_WHITE, alpha=alpha, lw=0.7, zorder=1.5)


def _unit(axes: Axes) -> None:
    """0..1 upwards."""
    axes.set_ylim(0.0, 1.05)
    axes.set_yticks([0.0, 0.5, 1.0], ["0", "½", "1"])
    axes.axhline(0.5, color=_LINE, lw=0.7)


# ---- the panels ----


def _sections(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    axes.set(ylim=(0, 1), yticks=[])
    for (name, began), (_, ended) in pairwise([*heard.sections, ("", heard.end)]):
        left, right = max(began, heard.start), min(ended, heard.end)
        if right <= left:
            continue
        part = Rectangle((left, 0), right - left, 1, color=_SECTIONS[name], lw=0)
        axes.add_patch(part)
        axes.text(left, 0.46, f"  {name}", fontsize=9.5, va="center").set_clip_path(part)


def _spectrum(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    if not heard.spectrum.size:
        return
    # Bands lie evenly below 250 Hz, an eighth of an octave apart above: drawn by octaves all the way.
    octaves = np.log2(HZ)
    rows = np.linspace(octaves[0], octaves[-1], 2 * len(HZ))
    at = np.interp(rows, octaves, np.arange(len(HZ)))
    low, part = at.astype(int), (at % 1.0).astype(np.float32)
    shown = heard.spectrum[:, low] * (1.0 - part) + heard.spectrum[:, np.minimum(low + 1, len(HZ) - 1)] * part
    shown = np.clip(shown / max(0.3, float(np.percentile(shown, 99.7))), 0.0, 1.0) ** 0.8
    _image(axes, heard, shown, heard.spectrum_at, rows)
    marks = [100, 200, 500, 1000, 2000, 5000, 10000]
    axes.set_yticks(np.log2(marks), [f"{m}" if m < 1000 else f"{m // 1000}k" for m in marks])
    _across_beats(axes, heard)


def _image(axes: Axes, heard: Heard, shown: Array, at: Array, rows: Array) -> None:
    """[times, rows] of 0..1 at times `at`, on the y values `rows`."""
    half = 0.5 * (at[1] - at[0]) if at.size > 1 else 0.005
    spot = (at[0] - half, at[-1] + half, rows[0], rows[-1])
    axes.imshow(shown.T, cmap=_EMBER, vmin=0.0, vmax=1.0, aspect="auto", origin="lower", extent=spot)
    axes.set(xlim=(heard.start, heard.end), ylim=(rows[0], rows[-1]))


def _hits(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    axes.set(ylim=(0, 3))
    axes.set_yticks([0.5, 1.5, 2.5], list(_DRUMS))
    _across_beats(axes, heard)
    for lane, (kind, colour) in enumerate(_DRUMS.items()):
        axes.axhline(lane, color=_LINE, lw=0.7)
        times, strengths = heard.hits[kind].T
        axes.vlines(times, lane + 0.06, lane + 0.14 + 0.78 * strengths, color=colour, lw=1.7)
    for label, colour in zip(axes.get_yticklabels(), _DRUMS.values(), strict=True):
        label.set_color(colour)


def _activations(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    axes.set_ylim(-1.05, 1.05)
    axes.set_yticks([-1, 0, 1], ["1", "0", "1"])
    _across_beats(axes, heard)
    for values, colour in ((heard.activations[:, 0], _BEAT), (-heard.activations[:, 1], _DOWN)):
        axes.fill_between(heard.activations_at, 0.0, values, color=colour, alpha=0.35, lw=0)
        axes.plot(heard.activations_at, values, color=colour, lw=0.9)


def _tempo(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    rows = np.linspace(np.log2(50.0), np.log2(220.0), 240)
    axes.set_ylim(rows[0], rows[-1])
    if heard.tempi is not None and heard.tempi_bpm is not None:
        # Wider than it is, or the line would hide a sure pointer; never so hot that the line is lost in it.
        blur = np.exp(-0.5 * ((np.log2(heard.tempi_bpm)[:, None] - rows) / _BLUR) ** 2)
        _image(axes, heard, 0.66 * np.sqrt(np.minimum(heard.tempi @ blur, 1.0)), heard.tempi_at, rows)
    marks = [60, 80, 100, 120, 140, 170, 200] if heard.tempi is not None else [60, 90, 120, 180]
    axes.set_yticks(np.log2(marks), map(str, marks))
    axes.hlines(np.log2(marks), heard.start, heard.end, color=_WHITE, alpha=0.06, lw=0.7)
    _across_beats(axes, heard)
    if verdict and verdict.truth.times.size > 1:
        times = verdict.truth.times
        axes.plot(times[1:], np.log2(60.0 / np.diff(times)), color=_WHITE, lw=1.4, ls=(0, (1.2, 1.6)), zorder=2.5)
    axes.plot(heard.curves_at, np.log2(heard.curve("bpm")), color=_BEAT, lw=1.3, path_effects=_OUTLINE, zorder=3)


def _ticks(axes: Axes, times: Array, tall: Array, low: float, colours: Sequence[str]) -> None:
    """One tick a beat in a lane 0.9 high; those that are not `tall` end lower."""
    lines = [((t, low), (t, low + (0.9 if up else 0.55))) for t, up in zip(times, tall, strict=True)]
    axes.add_collection(LineCollection(lines, colors=list(colours), linewidths=[2.2 if up else 1.5 for up in tall]))


def _beats(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    times, tall = np.array([b.time for b in heard.fired]), np.array([b.place == 1 for b in heard.fired])
    colours = [_DOWN if up else _BEAT for up in tall]
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["fired"])
    if verdict:
        axes.set_ylim(0, 2)
        axes.set_yticks([0.5, 1.5], ["fired", "truth"])
        axes.axhline(1.0, color=_LINE, lw=0.7)
        met = set(verdict.hit.tolist())
        known = [_WHITE if i in met else _MISSED for i in range(verdict.truth.times.size)]
        _ticks(axes, verdict.truth.times, verdict.truth.places == 1, 1.05, known)
        colours = _judged(verdict)
        if verdict.since > heard.start:
            axes.axvspan(heard.start, verdict.since, color=_NIGHT, alpha=0.6, lw=0, zorder=4)
    _ticks(axes, times, tall, 0.05, colours)


def _judged(verdict: Verdict) -> list[str]:
    """A colour a fired beat."""
    near = np.abs(verdict.off) <= NEAR
    return [_MISSED if hit < 0 else _HIT if close else _LATE for hit, close in zip(verdict.hit, near, strict=True)]


def _phase(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    for within, alpha in ((FAR, 0.05), (NEAR, 0.09)):
        axes.axhspan(-1000 * within, 1000 * within, color=_WHITE, alpha=alpha, lw=0)
    axes.axhline(0.0, color=_GREY, lw=0.7)
    axes.set_ylim(-95, 95)
    axes.set_yticks([-70, -25, 0, 25, 70], ["−70", "−25", "0", "+25", "+70"])
    _across_beats(axes, heard)
    times = np.array([b.time for b in heard.fired])
    if verdict:
        off, colours = 1000 * verdict.off, np.array(_judged(verdict))
    else:
        off = 1000 * np.array([_from_heard(heard, time) for time in times])
        colours = np.array([_DOWN if b.place == 1 else _BEAT for b in heard.fired])
    lost = colours == _MISSED
    axes.scatter(times[~lost], off[~lost], s=17, c=list(colours[~lost]), lw=0, zorder=3)
    axes.scatter(times[lost], np.clip(off[lost], -84, 84), s=26, c=_MISSED, marker="x", lw=1.3, zorder=3)


def _from_heard(heard: Heard, time: float) -> float:
    """Seconds from the strongest activation within FAR to `time`; nan where none is a beat."""
    near = np.abs(heard.activations_at - time) <= FAR
    values = heard.activations[near, 0]
    return float(time - heard.activations_at[near][values.argmax()]) if values.max(initial=0.0) > 0.1 else float("nan")


def _trust(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    _unit(axes)
    _across_beats(axes, heard)
    for name, colour in (("confidence", _BEAT), ("bar confidence", _DOWN)):
        axes.plot(heard.curves_at, heard.curve(name), color=colour, lw=1.6)
    axes.fill_between(heard.curves_at, 0.0, heard.curve("confidence"), color=_BEAT, alpha=0.13, lw=0)


def _levels(axes: Axes, heard: Heard, verdict: Verdict | None) -> None:
    _unit(axes)
    _across_beats(axes, heard)
    axes.fill_between(heard.curves_at, 0.0, heard.curve("loudness"), color=_GREY, alpha=0.4, lw=0)
    for name, colour in _LEVELS.items():
        axes.plot(heard.curves_at, heard.curve(name), color=colour, lw=1.6)
