# SPDX-License-Identifier: Apache-2.0
"""The figures of bench/run, group by group. Each runs programs and adds rows to the table."""
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess

from measure import ROOT, Skipped, output, two_threads

# Million packet-hops per second of one thread, by hosts and payload.
SPEED = {128: {1000: 22, 4096: 18}, 1024: {1000: 18, 4096: 14}, 8192: {1000: 12, 4096: 9}}
PEAK_KB = {1024: 40, 8192: 32}


def loaded(hosts, mtu):
    return f"--hosts {hosts} --mtu {mtu} --stop {100 if hosts == 8192 else 200}"


def yardstick_rate(bench, hosts, mtu):
    values = {"hosts": hosts, "k": {128: 8, 1024: 16, 8192: 32}[hosts], "mtu": mtu,
              "bytes": 2_000_000, "stop_us": 100 if hosts == 8192 else 200}
    out = output(shlex.split(bench.yardstick.format(**values)))
    rate = re.search(r"([\d.]+) Mhops/s", out)
    if rate is None:
        raise SystemExit(f"the yardstick printed no rate:\n{out}")
    return float(rate[1])


def speed(bench):
    """permutation, loaded phase (first 200 us, 100 us at 8192 hosts), with 1 and 2 threads"""
    sizes = [128, 1024] if bench.quick else [128, 1024, 8192]
    cases = [(hosts, mtu) for hosts in sizes for mtu in (1000, 4096)]
    runs = {(*case, "1"): lambda c=case: bench.fabric(loaded(*c)) for case in cases}
    if (os.cpu_count() or 1) >= 2:
        runs |= {(*case, "2"): lambda c=case: bench.rate(loaded(*c), 2) for case in cases}
    if bench.yardstick:
        runs |= {(*case, "yardstick"): lambda c=case: yardstick_rate(bench, *c) for case in cases}
    if bench.yardstick and bench.like:
        runs |= {(*case, "like"): lambda c=case: bench.rate(f"{loaded(*c)} {bench.like}")
                 for case in cases}
    values = dict(zip(runs, bench.in_turn(*runs.values())))
    rates = {case: [v["mhops_per_s"] for v in values[(*case, "1")]] for case in cases}

    def share(over, under):
        return statistics.median(o / u for o, u in zip(over, under))

    for hosts, mtu in cases:
        name = f"{hosts} hosts, {mtu} B"
        one = rates[hosts, mtu]
        bench.row(name, statistics.median(one), "M packet-hops/s", SPEED[hosts][mtu])
        if two := values.get((hosts, mtu, "2")):
            bench.row(name + ", 2 threads", statistics.median(two), "M packet-hops/s")
            bench.row(name + ", 2 threads over 1", share(two, one), "x",
                      1.8 if hosts >= 1024 else 1)
        if yardstick := values.get((hosts, mtu, "yardstick")):
            bench.row(name + ", share of the yardstick", share(one, yardstick), "x", 0.5)
            if like := values.get((hosts, mtu, "like")):
                bench.row(f"{name}, {bench.like}, share of the yardstick", share(like, yardstick),
                          "x", 0.5)
    for mtu in (1000, 4096):
        bench.row(f"cost of a packet-hop, {sizes[-1]} over 128 hosts, {mtu} B",
                  share(rates[128, mtu], rates[sizes[-1], mtu]), "x", at_most=2)
    for hosts in sizes:
        first = values[hosts, 1000, "1"][0]
        bench.row(f"state, {hosts} hosts", first["state_kb_per_host"], "KB/host")
        bench.row(f"peak memory, {hosts} hosts", first["peak_kb_per_host"], "KB/host",
                  at_most=PEAK_KB.get(hosts))


def tail(bench):
    """permutation to its end, with DCQCN's long tail; start-up; without PFC, ECN and DCQCN"""
    for hosts in [128] if bench.quick else [128, 1024, 8192]:
        size = 1_000_000 if hosts == 8192 else 2_000_000
        [rates] = bench.in_turn(lambda: bench.rate(f"--hosts {hosts} --bytes {size}"))
        bench.row(f"to the end, {hosts} hosts", statistics.median(rates), "M packet-hops/s")
    for hosts in [128] if bench.quick else [128, 1024]:
        bench.row(f"without PFC, ECN and DCQCN, {hosts} hosts",
                  bench.share(lambda: bench.rate(loaded(hosts, 1000)),
                              lambda: bench.rate(loaded(hosts, 1000) + " --plain")), "x the base")
    hosts = 1024 if bench.quick else 16384
    bench.row(f"topology, routes and entities of {hosts} hosts",
              bench.fabric(f"--hosts {hosts} --bytes 1000")["build_s"], "s")


def idle(bench):
    """1024 hosts with one packet in flight"""
    size = 1_000_000 if bench.quick else 10_000_000
    [values] = bench.in_turn(
        lambda: bench.fabric(f"--hosts 1024 --pattern idle --bytes {size}")["us_per_window"])
    bench.row("wall time of a window, 1024 hosts, one packet in flight", statistics.median(values),
              "us", at_most=0.5)


# What is added to the base; None: only to compare with, no target.
FEATURES = [
    ("no congestion control", "--cc none", None),
    ("DCTCP", "--cc dctcp", 0.6), ("Swift", "--cc swift", 0.6), ("TIMELY", "--cc timely", 0.6),
    ("HPCC (telemetry in every packet)", "--cc hpcc", 0.6),
    ("selective repeat", "--selective-repeat", 0.6),
    ("weighted ECMP", "--spray weighted_ecmp", 0.6), ("flowlets", "--spray flowlet", 0.6),
    ("spraying round robin", "--spray round_robin", 0.6),
    ("spraying at random", "--spray random", 0.6),
    ("adaptive choice per packet", "--spray adaptive", 0.6),
    ("adaptive flowlets", "--spray adaptive_flowlet", 0.6),
    ("random entropy", "--spray entropy", 0.6), ("REPS", "--spray reps", 0.6),
    ("data and ACKs in one priority", "--ack-priority 3", 0.6),
    ("data and ACKs in two priorities by DWRR", "--ack-priority 2", 0.6),
    ("trimming on, nothing trimmed", "--trim 16000", 0.6),
    ("trimming, queues above 100 KB", "--trim 100", 0.6),
    ("records of messages and pauses", "--record", 0.6),
    ("ties as in an event list (lineage in every packet)", "--posting-order", None),
]


def features(bench):
    """each against the base, loaded phase, 1000 B"""
    base = loaded(128 if bench.quick else 1024, 1000)
    for name, options, least in FEATURES:
        bench.row(name, bench.share(lambda: bench.rate(base),
                                    lambda: bench.rate(f"{base} {options}")), "x the base", least)
    incast = "--hosts 128 --pattern incast --bytes 200000"
    bench.row("incasts of 16, with pauses, 128 hosts",
              statistics.median(bench.in_turn(lambda: bench.rate(incast))[0]), "M packet-hops/s")


def build_ns3(bench):
    """The program, built once for each state of its source."""
    parts = ["ns3-" + part for part in
             ("core", "network", "internet", "point-to-point", "applications")]
    if not shutil.which("pkg-config") or subprocess.run(["pkg-config", "--exists", *parts],
                                                        check=False).returncode != 0:
        raise Skipped("no ns-3; `apt-get install g++ libns3-dev libgsl-dev` brings it")
    source = ROOT / "bench" / "ns3_tcp_permutation.cpp"
    program = bench.build / "bench" / "ns3_tcp_permutation"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        flags = shlex.split(output(["pkg-config", "--cflags", "--libs", *parts]))
        output(["g++", "-std=c++17", "-O2", "-o", program, source, *flags])
    return program, output(["pkg-config", "--modversion", parts[0]]).strip()


def ns3(bench):
    """the public reference: a TCP permutation on Debian's ns-3, in turn with ours"""
    program, version = build_ns3(bench)
    for hosts, us in [(16, 50)] if bench.quick else [(16, 200), (128, 30)]:
        ours, theirs = bench.in_turn(
            lambda: bench.rate(f"--hosts {hosts} --stop 200"),
            lambda: json.loads(output([program, hosts, us]))["mhops_per_s"])
        bench.row(f"ns-3 {version}, TCP, {hosts} hosts", statistics.median(theirs),
                  "M packet-hops/s")
        bench.row(f"Plait over it, {hosts} hosts",
                  statistics.median(o / t for o, t in zip(ours, theirs)), "x")


def phases(bench, scenario, threads, *options):
    performance, _ = bench.plait(scenario, threads, "--timing", *options)
    total = performance["threads"] * performance["run_seconds"]
    names = {"switches": "switches", "hosts": "NICs and scale-up", "processes": "ranks",
             "engine_and_waiting": "engine and waiting"}
    shares = [f"{text} {100 * performance['thread_seconds'][key] / total:.1f} %"
              for key, text in names.items()]
    around = performance["build_seconds"] + performance["results_seconds"]
    text = ", ".join(shares) + f"; {around:.2f} s before and after the run"
    bench.say(f"phases, {threads} thread{'s'[:threads - 1]}", text)


def ring(bench):
    """ring all-reduce of 1 GiB per rank over 64 hosts at 400G, packet by packet"""
    scenario = "bench/ring_all_reduce.yaml"
    options = ["--set", "jobs.0.collective.size=16MiB"] if bench.quick else []
    one, two = bench.in_turn(lambda: bench.plait(scenario, 1, *options)[0],
                             lambda: bench.plait(scenario, 2, *options)[0])
    for threads, runs in ((1, one), (2, two)):
        name = f"{threads} thread{'s'[:threads - 1]}"
        bench.row("wall time, " + name, statistics.median(r["run_seconds"] for r in runs), "s")
        bench.row("rate, " + name,
                  statistics.median(1e-6 * r["packet_hops_per_s"] for r in runs), "M packet-hops/s")
        phases(bench, scenario, threads, *options)


REPLAYS = [
    ("host of 8 A100, recorded step", "examples/megatron_tp8/nvswitch.yaml", []),
    ("2 hosts of 8 H100, Llama 3 8B", "examples/llm_training/scenario.yaml", []),
    ("rack of 72 GPUs, NVLink 900 GB/s, Llama 3 8B", "bench/nvl72.yaml",
     ["fabric.topology={kind: single_switch, hosts: 1}", "jobs.0.generate.data_parallel=9"]),
    ("2 racks of 72 GPUs, with their 144 NICs", "bench/nvl72.yaml", []),
]


def replay(bench):
    """scale-up hosts: simulated time per wall time, one thread"""
    for name, scenario, settings in REPLAYS:
        options = [part for setting in settings for part in ("--set", setting)]
        [runs] = bench.in_turn(lambda: bench.plait(scenario, 1, *options))
        bench.row(name, statistics.median(s["simulated_us"] / (1e3 * p["run_seconds"])
                                          for p, s in runs), "simulated us/wall ms")
        hops = statistics.median(1e-6 * p["packet_hops_per_s"] for p, _ in runs)
        if hops > 0:
            bench.row(name, hops, "M packet-hops/s")


def latencies(bench):
    """200 ns from host to switch, 2 us between switches, beside all of either"""
    hosts = 128 if bench.quick else 1024
    base = loaded(hosts, 1000)

    def delays(host_ns, fabric_ns):
        return f"{base} --host-delay {host_ns} --fabric-delay {fabric_ns}"

    short, mixed, long = bench.in_turn(*[lambda d=d: bench.rate(delays(*d))
                                         for d in ((200, 200), (200, 2000), (2000, 2000))])
    for name, values in (("all 200 ns", short), ("mixed", mixed), ("all 2 us", long)):
        bench.row(f"{name}, {hosts} hosts", statistics.median(values), "M packet-hops/s")
    bench.row("mixed over all 200 ns", statistics.median(m / s for m, s in zip(mixed, short)), "x")
    bench.row("mixed over all 2 us", statistics.median(m / l for m, l in zip(mixed, long)), "x")
    counted = bench.fabric(delays(200, 2000) + " --empty-windows")
    bench.row("mixed: windows without an arrival",
              100 * counted["empty_windows"] / counted["windows"], "%")


def threads(bench):
    """never slower than one thread: examples with 1 and with all threads, in turn"""
    two_threads()
    out = output([bench.build / "bench" / "micro_bench", "--benchmark_filter=arithmetic",
                  "--benchmark_format=json", "--benchmark_min_time=0.2"])
    one, two = (piece["real_time"] for piece in json.loads(out)["benchmarks"])
    bench.row("2 threads over 1, arithmetic in registers (what the machine gives)", one / two, "x")
    scenarios = sorted(path for path in (ROOT / "examples").glob("*/*.yaml")
                       if "deadlock" not in str(path))
    for scenario in scenarios[:3] if bench.quick else scenarios:
        name = scenario.relative_to(ROOT)
        share = bench.share(lambda: 1 / bench.plait(name, 1)[0]["run_seconds"],
                            lambda: 1 / bench.plait(name, 2)[0]["run_seconds"])
        bench.row(f"2 threads over 1, {name}", share, "x", at_least=1)


def pieces(bench):
    """google-benchmark of the pieces"""
    out = output([bench.build / "bench" / "micro_bench", "--benchmark_format=json",
                  f"--benchmark_min_time={0.01 if bench.quick else 0.2}"])
    for piece in json.loads(out)["benchmarks"]:
        bench.row(piece["name"], piece["real_time"], piece["time_unit"])


def named(function):
    def run(bench):
        bench.group = function.__name__
        function(bench)
    run.__doc__ = function.__doc__
    return run


GROUPS = {f.__name__: named(f) for f in
          (speed, tail, idle, features, latencies, ring, replay, threads, ns3, pieces)}
