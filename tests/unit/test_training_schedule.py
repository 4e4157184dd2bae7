"""The mixture of batches: exact ratios, the same for every number of processes, resumable at any
step.
"""

from __future__ import annotations

from collections import Counter

import pytest

from core.errors import InputError
from core.training.datasets.sample_schedule import SampleSchedule, share_of


def schedule(seed: int = 0, image: int = 4, video: int = 2, **changes: dict) -> SampleSchedule:
    groups = {
        ("image", "draw"): range(30),
        ("image", "delete"): range(30, 40),
        ("video", "draw"): range(40, 52),
        ("video", "delete"): range(52, 57),
    }
    given = {"groups": groups, "samples": {"image": image, "video": video}}
    mixture = {"steps_of": {"image": 10, "video": 1}, "tasks_of": {"draw": 3, "delete": 1}}
    return SampleSchedule(seed, **(given | mixture | changes))


def test_ten_image_steps_to_one_video_step_in_every_round() -> None:
    plan = schedule()
    for first in range(0, 110, 11):
        assert Counter(plan.kind(step) for step in range(first, first + 11)) == {"image": 10, "video": 1}
    places = {next(step for step in range(11) if plan.kind(11 * number + step) == "video") for number in range(30)}
    assert len(places) > 5, "the order inside a round is drawn"


def test_three_samples_that_draw_to_one_that_deletes_in_every_round_of_each_kind() -> None:
    plan = schedule()
    for kind in ("image", "video"):
        for first in range(0, 80, 4):
            assert Counter(plan.sample(kind, number).task for number in range(first, first + 4)) == {"draw": 3, "delete": 1}


def test_a_step_is_all_of_one_kind_and_of_its_size() -> None:
    plan = schedule(image=4, video=2)
    for step in range(40):
        batch = plan.batch(step)
        assert {drawn.kind for drawn in batch} == {plan.kind(step)}
        assert len(batch) == (4 if plan.kind(step) == "image" else 2)


def test_a_large_data_set_is_gone_through_without_holding_its_order() -> None:
    count = (1 << 20) + 77
    plan = schedule(groups={("image", "draw"): range(5, 5 + count)}, steps_of={"image": 1, "video": 0}, tasks_of={"draw": 1, "delete": 0})
    first = [plan.sample("image", number) for number in range(3000)]
    assert len({drawn.record for drawn in first}) == 3000
    assert {drawn.record * 8 // count for drawn in first} == set(range(8)), "they come from everywhere"
    last, after = plan.sample("image", count - 1), plan.sample("image", count)
    assert (last.epoch, after.epoch) == (0, 1)
    assert [plan.sample("image", count + number).record for number in range(9)] != [drawn.record for drawn in first[:9]]


def test_samples_are_counted_on_without_a_gap() -> None:
    plan = schedule()
    numbers = [drawn.number for step in range(50) for drawn in plan.batch(step) if drawn.kind == "image"]
    assert numbers == list(range(len(numbers)))


def test_every_record_is_seen_once_an_epoch_and_the_epochs_differ() -> None:
    plan = schedule()
    drawn = [sample for number in range(160) if (sample := plan.sample("image", number)).task == "draw"]
    epochs = [[sample.record for sample in drawn if sample.epoch == epoch] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(30)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert all(0 <= sample.record < 30 for sample in drawn)


def test_the_seed_alone_decides() -> None:
    assert [schedule(5).batch(step) for step in range(20)] == [schedule(5).batch(step) for step in range(20)]
    assert [schedule(5).batch(step) for step in range(20)] != [schedule(6).batch(step) for step in range(20)]
    # A run that starts at step 17 needs nothing of what came before.
    assert schedule(5).batch(17) == [schedule(5).batch(step) for step in range(20)][17]


@pytest.mark.parametrize(("processes", "micro_batches"), [(1, 1), (2, 1), (1, 4), (2, 2)])
def test_processes_and_micro_batches_share_a_step_out(processes: int, micro_batches: int) -> None:
    batch = schedule(image=8, video=8).batch(3)
    parts = [share_of(batch, process, processes, micro, micro_batches) for micro in range(micro_batches) for process in range(processes)]
    assert [drawn for part in parts for drawn in part] == batch
    assert {len(part) for part in parts} == {8 // (processes * micro_batches)}


def test_only_videos_or_only_deletions_can_be_asked_for() -> None:
    plan = schedule(steps_of={"image": 0, "video": 1}, tasks_of={"draw": 0, "delete": 1})
    assert {(drawn.kind, drawn.task) for step in range(9) for drawn in plan.batch(step)} == {("video", "delete")}


def test_a_mixture_that_the_data_has_not_got_is_refused() -> None:
    with pytest.raises(InputError, match=r"no video records that delete: give some, or say video_batches=0 or delete_samples=0"):
        schedule(groups={("image", "draw"): [0], ("image", "delete"): [1], ("video", "draw"): [2]})
    with pytest.raises(InputError, match="no image records that add or modify"):
        schedule(groups={("image", "delete"): [1], ("video", "draw"): [2], ("video", "delete"): [3]})
