"""The laws of the demo song: its score is exact, and the shipped file is that score.

What is heard is measured from the decoded file: the click of a kick is the steepest rise of the energy between
2.5 and 9 kHz, one millisecond against the one before.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from engine.audio import demo_score as score
from engine.audio import demo_song as song
from engine.audio import demo_synth as synth

FILE = Path(song.__file__).with_name("demo.ogg")
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def heard() -> tuple[Floats, int]:
    """Samples `[n, 2]` and rate of the shipped file."""
    samples, rate = soundfile.read(FILE, always_2d=True)
    return samples, rate


@pytest.fixture(scope="module")
def rise(heard: tuple[Floats, int]) -> Floats:
    """Natural log of how much the energy from 2.5 to 9 kHz grows at each sample, within a millisecond."""
    samples, rate = heard
    bins = np.fft.rfft(samples.mean(axis=1))
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    bins[(hz < 2500) | (hz > 9000)] = 0
    span = rate // 1000
    total = np.concatenate([[0.0], np.cumsum(np.fft.irfft(bins, len(samples)) ** 2)])
    energy = total[span:] - total[:-span] + 1e-4 * span
    out = np.zeros(len(samples))
    out[span : len(energy)] = np.log(energy[span:] / energy[:-span])
    return out


def _errors(rise: Floats, rate: int, times: Floats, reach: float = 0.03) -> Floats:
    """Seconds from each time to the steepest rise within `reach` of it."""
    around = [(round(time * rate), max(0, round((time - reach) * rate))) for time in times]
    return np.array([start + rise[start : at + round(reach * rate)].argmax() - at for at, start in around]) / rate


def test_beats_are_a_straight_line_of_whole_samples() -> None:
    beats = score.beat_times()
    samples = beats * 44100
    assert np.abs(samples - np.round(samples)).max() < 1e-6
    assert set(np.diff(np.round(samples))) == {60 * 44100 / score.TEMPO} == {21000.0}


def test_bars_sections_and_beats_are_counted_alike() -> None:
    beats, bars = score.beat_times(), score.downbeat_times()
    assert len(beats) == (score.BARS - 1) * score.BEATS_PER_BAR + 1 == 153
    assert len(bars) == score.BARS == 39
    assert [first for _, first, _ in score.SECTIONS] == [0, 4, 12, 16, 20, 24, 26, 34, 38]
    for name, first, _ in score.SECTIONS:
        assert score.section_times()[name][0] == pytest.approx(bars[first], abs=1e-9)


def test_kicks_stand_on_the_eighths_and_backbeats_on_two_and_four() -> None:
    eighths = (score.hit_times("kick") - score.LEAD_IN) * score.TEMPO / 60 * 2
    assert len(eighths) > 100
    assert np.abs(eighths - np.round(eighths)).max() < 1e-9
    start, end = score.section_times()["drop"]
    snares = score.hit_times("snare")
    beats = (snares[(snares >= start) & (snares < end)] - start) * score.TEMPO / 60
    backbeats = {round(beat, 6) for beat in beats} & {float(beat) for beat in range(32)}
    assert backbeats >= {float(beat) for beat in range(1, 30, 2)}


def test_only_hands_are_loose_and_by_less_than_five_milliseconds() -> None:
    step = 60 / score.TEMPO / 4
    for kind in score.KINDS:
        times = score.hit_times(kind) - score.LEAD_IN
        steps = np.round(times / step)
        off = np.abs(times - steps * step - np.where(steps % 2 == 1, score.SWING, 0.0))
        if kind in {"ghost", "hat", "conga"}:
            assert 0.0005 < off.max() < 0.005, kind
        else:
            assert off.max() < 1e-9, kind


def test_kicks_are_heard_where_the_score_has_them(heard: tuple[Floats, int], rise: Floats) -> None:
    rate, kicks = heard[1], score.hit_times("kick")
    errors = _errors(rise, rate, kicks)
    assert abs(np.median(errors)) < 0.001
    assert np.median(np.abs(errors)) < 0.003
    assert np.percentile(np.abs(errors), 85) < 0.003


def test_the_measure_of_kicks_sees_a_shift_of_ten_milliseconds(heard: tuple[Floats, int], rise: Floats) -> None:
    errors = _errors(rise, heard[1], score.hit_times("kick") + 0.010)
    assert np.median(errors) == pytest.approx(-0.010, abs=0.001)


def test_drums_start_at_once(heard: tuple[Floats, int]) -> None:
    samples, rate = heard
    level = np.abs(samples).max(axis=1)
    assert score.hit_times("kick")[0] == score.LEAD_IN < 0.5
    assert level[: round((score.LEAD_IN - 0.01) * rate)].max() < 0.01
    assert level[round(score.LEAD_IN * rate) :][: rate // 50].max() > 0.2


def test_the_break_has_no_drums_in_score_or_sound(heard: tuple[Floats, int], rise: Floats) -> None:
    start, end = score.section_times()["break"]
    for kind in score.KINDS:
        times = score.hit_times(kind)
        assert not ((times > start - 0.01) & (times < end - 0.01)).any(), kind
    rate = heard[1]

    def steepest(times: Floats) -> Floats:
        return np.array([rise[round((time - 0.01) * rate) : round((time + 0.01) * rate)].max() for time in times])

    beats, kicks = score.beat_times(), score.hit_times("kick")
    calm = steepest(beats[(beats > start + 0.3) & (beats < end - 0.3)])
    assert calm.max() < 0.5 * np.median(steepest(kicks))


def test_the_file_is_as_long_as_the_score(heard: tuple[Floats, int]) -> None:
    samples, rate = heard
    assert (rate, samples.shape[1]) == (44100, 2)
    assert abs(len(samples) - score.LENGTH * rate) <= 1
    assert 64 <= len(samples) / rate <= 80
    assert FILE.stat().st_size < 1_300_000


def test_level_is_sane(heard: tuple[Floats, int]) -> None:
    samples, rate = heard
    assert 0.80 < np.abs(samples).max() < 0.95  # -1.9 .. -0.4 dBFS
    assert np.abs(samples.mean(axis=0)).max() < 1e-4
    assert np.abs(samples[-rate // 20 :]).max() < 1e-3  # decays to silence, is not cut
    loud = {name: samples[round(a * rate) : round(b * rate)].std() for name, (a, b) in score.section_times().items()}
    assert 0.08 < loud["drop"] < 0.25
    assert loud["break"] < 0.6 * loud["drop"]
    assert loud["verse"] < loud["drop"]


def test_the_file_is_this_score_rendered(heard: tuple[Floats, int]) -> None:
    samples, rate = heard
    bar = song.render(rate, 0, 1)[: round((score.LEAD_IN + 1.8) * rate)]
    rest = samples[: len(bar)] - bar
    assert rest.std() < 0.35 * bar.std()  # 0.29: what Vorbis changes, most of it in the noise of hats and snares
    assert (samples[5 : len(bar) + 5] - bar).std() > 0.5 * bar.std()  # and a tenth of a millisecond would show


def test_two_renders_are_equal_to_the_last_bit() -> None:
    once = song.render(22050, 34, 35)
    for name in ("kick", "snare", "clap", "hat", "bass", "keys", "guitar", "stab", "pad", "lead"):
        getattr(synth, name).cache_clear()
    again = song.render(22050, 34, 35)
    assert once.dtype == np.float32
    assert np.abs(once).max() > 0.1
    assert np.array_equal(once, again)


@pytest.mark.parametrize("bars", [(-1, 2), (4, 4), (0, score.BARS + 1)])
def test_bars_off_the_score_are_refused(bars: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"bars {bars[0]}\.\.{bars[1]} are not within 0\.\.39"):
        song.render(44100, *bars)


def test_an_unknown_kind_of_hit_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'cowbell' is not one of kick, snare, hat"):
        score.hit_times("cowbell")


def test_an_existing_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "mine.ogg"
    there.write_bytes(b"mine")
    assert song.main([str(there)]) == 2
    assert there.read_bytes() == b"mine"
    assert "exists already" in capsys.readouterr().err
