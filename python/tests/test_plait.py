# SPDX-License-Identifier: Apache-2.0
"""The package as its users see it."""

import copy
import json
import os
import signal
import sqlite3
import threading
import time

import numpy as np
import pytest

import plait

# Two hosts on one switch; rank 1 sends ten full packets to rank 0.
ONE_FLOW = {
    "fabric": {
        "topology": {"kind": "single_switch", "hosts": 2},
        "host": {"gpus": 1, "nics": 1},
        "link": {"rate": "100Gbps", "delay": "1us"},
        "switch": {"latency": "400ns"},
    },
    "transport": {"mtu": "4096B", "congestion_control": {"kind": "none"}},
    "jobs": [{"name": "one", "traffic": {"pattern": "incast", "ranks": 2, "size": "40960B"}}],
    "run": {"seed": 1},
}


def scenario(**changes):
    """ONE_FLOW with whole tables replaced."""
    return {**copy.deepcopy(ONE_FLOW), **changes}


def congested(ranks=16, size="256KiB", pattern="all_to_all"):
    """Enough traffic through a leaf-spine fabric for queues and marks."""
    fabric = copy.deepcopy(ONE_FLOW["fabric"])
    fabric["topology"] = {"kind": "leaf_spine", "hosts": ranks, "hosts_per_leaf": 4, "spines": 2}
    return scenario(
        fabric=fabric,
        transport={"congestion_control": {"kind": "dcqcn"}},
        jobs=[{"name": "mix", "traffic": {"pattern": pattern, "ranks": ranks, "size": size}}],
    )


def test_closed_form_of_one_flow():
    result = plait.run(ONE_FLOW)
    # A frame has 4096 + 62 header + 20 gap = 4178 B: 33,424 bits, 334.24 ns at 100 Gb/s. Ten of
    # them follow each other on the first link, the last one crosses the second alone:
    # 11 * 0.33424 + 2 * 1 us delay + 0.4 us switch = 6.07664 us.
    assert len(result.messages) == 1
    message = result.messages[0]
    assert message["fct_us"] == 6.07664
    assert message["ideal_us"] == 6.07664
    assert message["slowdown"] == 1.0
    assert (message["from_gpu"], message["to_gpu"]) == (1, 0)
    assert message["size_bytes"] == 40960
    assert message["acked_us"] > message["delivered_us"]
    assert result.flows["packets"].tolist() == [10]
    assert result.flows["hops"].tolist() == [2]
    (uplink,) = result.links[result.links["from_node"] == "host1"]
    assert uplink["packets"] == 10  # only data leaves the sender
    assert uplink["wire_bytes"] == 41780
    assert uplink["busy_us"] == 3.3424
    assert result.jobs["jct_us"][0] >= message["fct_us"]
    assert result.complete and result.warnings == []


def test_tables_have_fixed_types():
    result = plait.run(ONE_FLOW)
    assert result.jobs.dtype.names == ("name", "ranks", "start_us", "end_us", "jct_us", "background")
    assert result.jobs["name"].tolist() == ["one"]
    for table in ("jobs", "ranks", "ops", "messages", "flows", "links"):
        array = getattr(result, table)
        assert array.ndim == 1 and len(array) > 0
        assert not array.flags.writeable
        for name in array.dtype.names:
            if name.endswith("_us") or name in ("slowdown", "utilisation", "rate_gbps"):
                assert array.dtype[name] == np.float64, name
    assert result.messages.dtype["size_bytes"] == np.int64
    assert result.links.dtype["packets"] == np.uint64
    spent = sum(result.ranks[f"{part}_us"] for part in ("compute", "exposed_communication", "idle"))
    np.testing.assert_allclose(spent, result.ranks["end_us"] - result.ranks["start_us"])


def test_summary_and_report_agree_with_the_arrays():
    result = plait.run(congested())
    summary = result.summary
    assert summary["jobs"][0]["jct_us"] == result.jobs["jct_us"][0]
    fct = np.sort(result.messages["fct_us"])
    # nearest rank: the ceil(0.99 n)-th smallest
    assert summary["messages"]["completion_us"]["p99"] == fct[-(-99 * len(fct) // 100) - 1]
    assert summary["messages"]["slowdown"]["max"] == result.messages["slowdown"].max()
    assert summary["fingerprint"] == result.fingerprint
    assert result.fingerprint in repr(result)
    assert repr(result).splitlines()[0] in result._repr_html_()
    assert result.performance["threads"] == len(os.sched_getaffinity(0))  # unless asked for fewer


def test_threads_do_not_change_anything(tmp_path):
    runs = [plait.run(congested(), threads=n, out=tmp_path / str(n)) for n in (1, 2, 3)]
    for other, n in zip(runs[1:], (2, 3)):
        assert other.fingerprint == runs[0].fingerprint
        assert repr(other) == repr(runs[0])
        for table in ("jobs", "ranks", "ops", "messages", "flows", "links"):
            assert getattr(other, table).tobytes() == getattr(runs[0], table).tobytes()
        for file in ("summary.json", "results.sqlite"):
            first, second = (tmp_path / str(k) / file for k in (1, n))
            assert first.read_bytes() == second.read_bytes()


def test_dict_file_and_settings_are_the_same(tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text(json.dumps(ONE_FLOW))
    from_dict = plait.run(ONE_FLOW)
    for given in (file, str(file)):
        assert plait.run(given).messages.tobytes() == from_dict.messages.tobytes()

    faster = scenario()
    faster["fabric"]["link"]["rate"] = "400Gbps"
    expected = plait.run(faster).messages.tobytes()
    assert expected != from_dict.messages.tobytes()
    for settings in ({"fabric.link.rate": "400Gbps"}, ["fabric.link.rate=400Gbps"]):
        assert plait.run(file, set=settings).messages.tobytes() == expected
        assert plait.run(ONE_FLOW, set=settings).messages.tobytes() == expected


def test_seed_counts_and_the_scenario_is_not_changed():
    given = congested()
    before = copy.deepcopy(given)
    a, b = (plait.run(given, set={"run.seed": seed}) for seed in (np.int64(1), 2))
    assert a.fingerprint != b.fingerprint
    assert given == before


def test_resolved_scenario_gives_the_same_run(tmp_path):
    result = plait.run(congested())
    file = tmp_path / "resolved.yaml"
    file.write_text(result.scenario_yaml)
    assert plait.run(file).fingerprint == result.fingerprint


def test_files_hold_what_the_arrays_hold(tmp_path):
    result = plait.run(ONE_FLOW)
    result.write(tmp_path / "a" / "b")
    with sqlite3.connect(tmp_path / "a" / "b" / "results.sqlite") as db:
        (completion,) = db.execute("SELECT completion_us FROM message_times").fetchone()
    assert completion == result.messages["fct_us"][0]
    assert json.loads((tmp_path / "a" / "b" / "summary.json").read_text()) == result.summary


def test_mistakes_are_scenario_errors(tmp_path):
    wrong = scenario()
    wrong["fabric"]["link"]["rat"] = "1Gbps"
    with pytest.raises(plait.ScenarioError, match="did you mean 'rate'"):
        plait.run(wrong)

    file = tmp_path / "wrong.yaml"
    file.write_text("run:\n  seed: many\n")
    with pytest.raises(plait.ScenarioError) as caught:
        plait.run(file)
    assert (caught.value.file, caught.value.line) == (str(file), 2)
    assert isinstance(caught.value, (plait.PlaitError, ValueError))

    with pytest.raises(plait.ScenarioError, match="no_such"):
        plait.run("no_such.yaml")
    with pytest.raises(plait.ScenarioError, match="threads"):
        plait.run(ONE_FLOW, threads=-1)
    with pytest.raises(plait.ScenarioError, match="cannot write results"):
        plait.run(ONE_FLOW, out=file / "out")
    for arguments in ({"threads": "2"}, {"set": "a=b"}, {"out": 5}):
        with pytest.raises(TypeError):
            plait.run(ONE_FLOW, **arguments)
    with pytest.raises(TypeError):
        plait.run({"run": {"seed": object()}})


def field(number, value):
    """A protobuf field with a number below 16: short bytes, or an integer below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def test_ranks_that_wait_for_each_other_are_a_deadlock(tmp_path):
    def attributes(**values):
        return b"".join(
            field(10, field(1, name.encode()) + field(13, value)) for name, value in values.items())

    for rank in (0, 1):
        peer = 1 - rank  # both receive first and send what the other waits for afterwards
        recv = (field(1, 5) + field(2, b"get") + field(3, 6)
                + attributes(comm_src=peer, comm_size=64, comm_tag=0))
        send = (field(1, 6) + field(2, b"put") + field(3, 5) + field(5, 5)
                + attributes(comm_dst=peer, comm_size=64, comm_tag=0))
        parts = (field(1, b"test"), recv, send)
        framed = b"".join(bytes([len(part)]) + part for part in parts)
        (tmp_path / f"t.{rank}.et").write_bytes(framed)
    jobs = [{"name": "stuck", "trace": str(tmp_path / "t.{rank}.et")}]
    with pytest.raises(plait.DeadlockError, match="get") as caught:
        plait.run(scenario(jobs=jobs), out=tmp_path / "out")
    assert isinstance(caught.value, plait.PlaitError)
    assert not isinstance(caught.value, plait.ScenarioError)
    result = caught.value.result
    assert not result.complete
    assert list(result.ranks["finished"]) == [0, 0]
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == result.summary


def test_other_python_threads_run_meanwhile():
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    result = plait.run(congested(ranks=64))
    end = time.monotonic()
    done.set()
    thread.join()
    # A run that held the lock would let the thread tick before and after only.
    middle = [t for t in ticks if begin + 0.01 < t < end - 0.01]
    assert result.performance["run_seconds"] > 0.03
    assert len(middle) >= 5


# Takes minutes unless it is stopped.
ENDLESS = congested(ranks=32, size="50GB", pattern="permutation")


def test_interrupt_ends_the_run():
    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    # A process that was started in the background may ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, interrupt)
    timer.start()
    begin = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            plait.run(ENDLESS)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - begin < 20


def test_progress_sees_and_stops_the_run():
    seen = []

    def watch(progress):
        seen.append(progress)
        return len(seen) < 3

    result = plait.run(ENDLESS, threads=2, progress=watch)
    assert len(seen) == 3
    assert seen[0]["simulated_us"] < seen[2]["simulated_us"]
    assert seen[2]["ranks"] == 32
    assert not result.complete
    assert np.isnan(result.messages["fct_us"]).all()  # none of the 50 GB messages has arrived

    def fail(progress):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        plait.run(ENDLESS, progress=fail)


def test_a_job_that_was_cut_short_has_no_completion_time():
    result = plait.run(ENDLESS, set={"run.until": "100us"})
    assert not result.complete
    assert np.isnan(result.jobs["jct_us"]).all() and np.isnan(result.jobs["end_us"]).all()
    assert result.summary["jobs"][0]["jct_us"] is None
    assert result.ranks.dtype["finished"] == np.bool_
    cut = ~result.ranks["finished"]
    assert cut.any()
    assert (result.ranks["end_us"][cut] == 100.0).all()
    assert "unfinished" in repr(result)


def test_messages_have_their_job_and_threads_a_default():
    jobs = [{"name": name, "traffic": {"pattern": "incast", "ranks": 2, "size": size}}
            for name, size in (("a", "1KB"), ("b", "2KB"))]
    given = congested(ranks=4)
    given["jobs"] = jobs
    for threads in (None, 0):
        result = plait.run(given, threads=threads)
        assert result.performance["threads"] == len(os.sched_getaffinity(0))
        for message in result.messages:
            assert message["job"] == (1 if message["size_bytes"] == 2000 else 0)


def test_trace_memory_changes_where_arrays_lie_and_nothing_else(tmp_path, monkeypatch):
    # 64 * 63 messages: their records take more than the 16 KiB from which arrays count.
    given = congested(ranks=64, size="64KiB")
    expected = plait.run(given)
    try:
        plait.set_trace_memory("0B")
        assert (plait.run(given).messages == expected.messages).all()
        monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
        with pytest.raises(plait.ScenarioError, match="missing: .*No such file or directory"):
            plait.run(given)
        with pytest.raises(plait.ScenarioError, match="size '8' lacks a unit"):
            plait.set_trace_memory("8")
    finally:
        plait.set_trace_memory("256MiB")
