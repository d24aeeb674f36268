// SPDX-License-Identifier: Apache-2.0
// The program from outside: exit codes, messages, files left behind.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/workloads/chakra_writer.hpp"

namespace plait::test {
namespace {

namespace fs = std::filesystem;

const std::string kProgram = PLAIT_PROGRAM;
const std::string kExamples = PLAIT_SOURCE_DIR "/examples/";
const std::string kData = PLAIT_SOURCE_DIR "/tests/workloads/data/";

struct Outcome {
  int code = 0;
  std::string out, err;
};

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// @param before words before the program: an environment, `timeout`.
Outcome plait(const std::string& arguments, const std::string& before = "") {
  const std::string command =
      before + " '" + kProgram + "' " + arguments + " >cli_out.txt 2>cli_err.txt";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of("cli_out.txt"),
          text_of("cli_err.txt")};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check_user_error(const std::string& arguments, const std::string& message) {
  INFO(arguments);
  const Outcome outcome = plait(arguments);
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  INFO(outcome.err);
  CHECK(outcome.err.rfind("error: ", 0) == 0);
  CHECK(contains(outcome.err, message));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

/// A scenario of one trace on one host of `gpus` GPUs.
std::string scenario_of(const std::string& name, const std::string& trace, int gpus) {
  const std::string file = name + ".yaml";
  std::ofstream(file) << "fabric:\n  topology: {kind: single_switch, hosts: 1}\n  host: {gpus: "
                      << gpus << "}\njobs:\n  - {name: job, trace: \"" << trace << "\"}\n";
  return file;
}

/// Whether the process has a handler of its own for SIGINT, as Linux tells it.
bool catches_interrupts(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  const std::string key = "SigCgt:";
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key, 0) == 0)
      return (std::stoull(line.substr(key.size()), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
  return false;
}

const std::string kIncast = kExamples + "incast32/pfc.yaml";

}  // namespace

TEST_CASE("usage mistakes end with 2, questions with 0", "[cli]") {
  CHECK(plait("").code == 2);
  CHECK(plait("fly").code == 2);
  CHECK(plait("run --bogus").code == 2);
  CHECK(plait("run --threads -1").code == 2);
  CHECK(plait("validate").code == 2);
  CHECK(plait("--help").code == 0);
  CHECK(contains(plait("rum").err, "error: there is no command 'rum'; did you mean 'run'?"));
  CHECK(contains(plait("trace inof").err, "there is no command 'inof'; did you mean 'info'?"));
  CHECK(plait("run --bogus").err.rfind("error: ", 0) == 0);
  CHECK(plait("run --out ''").code == 2);
  const Outcome version = plait("--version");
  CHECK(version.code == 0);
  CHECK(version.out.rfind("plait ", 0) == 0);
}

TEST_CASE("mistakes in the scenario end with 1 and one line", "[cli]") {
  check_user_error("run nowhere.yaml", "nowhere.yaml: no such file");
  check_user_error("run " + kIncast + " --set fabric.lnik.rate=1Gbps",
                   "fabric.lnik: unknown key; did you mean 'link'?");
  check_user_error("run " + kIncast + " --set fabric.link.rate=100", "lacks a unit");
  check_user_error("run " + kIncast + " --set fabric.link.rate=0bps",
                   "0bps is out of range; legal is 1Mbps to 100Tbps");
  check_user_error("run " + kIncast + " --set fabric.link.rate=-1Gbps", "-1Gbps is out of range");
  check_user_error("run " + kIncast + " --set jobs.incast.traffic.ranks=34",
                   "job 'incast' has 34 ranks, but the fabric has 33 GPUs");
  check_user_error("run " + kIncast + " --until soon", "--until soon: 'soon' is not a duration");
  check_user_error("run " + kIncast + " --until 5", "--until 5: duration '5' lacks a unit");
  check_user_error("run " + kIncast + " --until 0us", "--until 0us: must be more than 0");
  check_user_error("topo nowhere.txt", "nowhere.txt");
  check_user_error("params xyzzy", "no parameter has 'xyzzy'");
}

TEST_CASE("faulty traces end with 1 and name the file", "[cli]") {
  TraceFolder cyclic("cyclic");
  cyclic.rank({node(1, kComp, {2}), node(2, kComp, {1})});
  check_user_error(
      "run " + scenario_of("cyclic", cyclic.pattern(), 1) + " --set jobs.0.strict=true", "cycle");
  TraceFolder empty("empty");
  empty.raw("");
  check_user_error("run " + scenario_of("empty", empty.pattern(), 1), "traces_empty/t.0.et");
  TraceFolder garbage("garbage");
  garbage.raw("this is no trace at all, it only says so");
  check_user_error("run " + scenario_of("garbage", garbage.pattern(), 1), "traces_garbage/t.0.et");
  TraceFolder truncated("truncated");
  const std::string whole = trace({node(1, kComp), node(2, kComp, {1})});
  truncated.raw(whole.substr(0, whole.size() - 3));
  check_user_error("run " + scenario_of("truncated", truncated.pattern(), 1),
                   "traces_truncated/t.0.et");
  TraceFolder gap("gap");
  gap.rank({node(1, kComp)}).rank({node(1, kComp)}).rank({node(1, kComp)});
  fs::remove("traces_gap/t.1.et");
  check_user_error("run " + scenario_of("gap", gap.pattern(), 4), "t.1.et");
}

TEST_CASE("an unconnected topology file is refused", "[cli]") {
  std::ofstream("cli_islands.txt") << "host a\nhost b\nswitch s\nswitch t\n"
                                      "link a s 100Gbps 1us\nlink b t 100Gbps 1us\n";
  check_user_error("topo cli_islands.txt", "cli_islands.txt");
}

TEST_CASE("a collective that not all ranks join is a deadlock: exit 3, who waits for what",
          "[cli]") {
  TraceFolder folder("deadlock");
  folder.rank({collective(1, 0, 1024)}).rank({collective(1, 0, 1024)}).rank({node(1, kComp)});
  fs::remove_all("cli_deadlock");
  const Outcome outcome =
      plait("run " + scenario_of("deadlock", folder.pattern(), 3) + " --out cli_deadlock");
  CHECK(outcome.code == 3);
  INFO(outcome.err);
  CHECK(contains(outcome.err, "\nerror: deadlock"));
  CHECK(contains(outcome.err, "job 'job' cannot go on: 2 of 3 ranks"));
  CHECK(contains(outcome.err, "joined by ranks 0, 1, not by ranks 2"));
  // What happened before is there for a look at it.
  CHECK(contains(outcome.out, "CUT SHORT"));
  CHECK(contains(outcome.out, "unfinished"));
  CHECK(contains(text_of("cli_deadlock/summary.json"), "\"complete\": false"));
  CHECK(fs::file_size("cli_deadlock/results.sqlite") > 0);
  const Outcome quiet = plait("run deadlock.yaml --quiet");
  CHECK(quiet.out.empty());
  CHECK(quiet.err.rfind("error: deadlock", 0) == 0);
}

TEST_CASE("switches that pause each other in a ring are a deadlock: exit 3, the ring first",
          "[cli]") {
  const std::string scenario = kExamples + "pfc_deadlock/scenario.yaml";
  const Outcome outcome = plait("run " + scenario);
  CHECK(outcome.code == 3);
  INFO(outcome.err);
  CHECK(contains(outcome.err, "PFC deadlock: s0:1 -> s1:2 -> s2:2 -> s3:2 -> s0 (priority 3)"));
  // Cut before that: the report and the results are there, and the exit code still tells.
  fs::remove_all("cli_cut_deadlock");
  const Outcome cut = plait("run " + scenario + " --until 500us --out cli_cut_deadlock");
  CHECK(cut.code == 3);
  CHECK(contains(cut.out, "Pathologies\n  error: PFC deadlock: s0:1"));
  CHECK(contains(text_of("cli_cut_deadlock/summary.json"), "\"pfc_deadlock\""));
}

TEST_CASE("results go to --out, the same bytes for every number of threads", "[cli]") {
  fs::remove_all("cli_out1");
  fs::remove_all("cli_out2");
  REQUIRE(plait("run " + kIncast + " --threads 1 --out cli_out1").code == 0);
  REQUIRE(plait("run " + kIncast + " --threads 3 --quiet --out cli_out2").code == 0);
  for (const char* file : {"summary.json", "results.sqlite"}) {
    INFO(file);
    CHECK(text_of(std::string("cli_out1/") + file) == text_of(std::string("cli_out2/") + file));
    CHECK(fs::file_size(std::string("cli_out1/") + file) > 0);
  }
  // Results may be replaced, but not mixed with other files.
  CHECK(plait("run " + kIncast + " --quiet --out cli_out1").code == 0);
  fs::remove_all("cli_full");
  fs::create_directory("cli_full");
  std::ofstream("cli_full/thesis.tex") << "x";
  check_user_error("run " + kIncast + " --out cli_full", "holds files that are not Plait's");
  CHECK(plait("run " + kIncast + " --quiet --force --out cli_full").code == 0);
  CHECK(fs::exists("cli_full/thesis.tex"));
  check_user_error("run " + kIncast + " --out cli_full/thesis.tex", "is not a folder");
  check_user_error("run " + kIncast + " --out /proc/nowhere", "cannot write results");
}

TEST_CASE("--timing says where the wall time went and changes no result", "[cli]") {
  REQUIRE(plait("run " + kIncast + " --out cli_untimed --force --threads 2").code == 0);
  const Outcome timed = plait("run " + kIncast + " --out cli_timed --force --threads 2 --timing");
  REQUIRE(timed.code == 0);
  CHECK(contains(timed.err, "Phases: build "));
  CHECK(!contains(timed.out, "Phases"));
  for (const char* file : {"/summary.json", "/results.sqlite"})
    CHECK(text_of("cli_timed" + std::string(file)) == text_of("cli_untimed" + std::string(file)));
  CHECK(contains(text_of("cli_timed/performance.json"), "\"thread_seconds\""));
  CHECK(!contains(text_of("cli_untimed/performance.json"), "\"thread_seconds\""));
}

TEST_CASE("without a terminal, standard error has no progress", "[cli]") {
  const Outcome outcome = plait("run " + kIncast);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "JCT"));
  CHECK_FALSE(contains(outcome.err, "\r"));
  const Outcome quiet = plait("run --quiet " + kIncast);
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
}

TEST_CASE("SIGINT ends a run cleanly", "[cli]") {
  fs::remove_all("cli_interrupted");
  // The child must not begin with the handler of this program, which would look like its own.
  struct sigaction plain {
  }, ours{};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGINT, &plain, &ours);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("cli_out.txt", "w", stdout) == nullptr ||
        std::freopen("cli_err.txt", "w", stderr) == nullptr)
      _exit(99);
    execl(kProgram.c_str(), "plait", "run", kIncast.c_str(), "--set", "jobs.0.traffic.size=20GB",
          "--out", "cli_interrupted", nullptr);
    _exit(99);
  }
  sigaction(SIGINT, &ours, nullptr);
  REQUIRE(child > 0);
  // One signal, and not before the program is ready for it: it dies of a second one.
  int status = 0;
  pid_t ended = 0;
  while (!catches_interrupts(child) && ended == 0) {
    ended = waitpid(child, &status, WNOHANG);
    usleep(1000);
  }
  REQUIRE(ended == 0);
  kill(child, SIGINT);
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(contains(text_of("cli_err.txt"), "interrupted at simulated time"));
  CHECK_FALSE(fs::exists("cli_interrupted"));
}

TEST_CASE("run without a scenario runs the Megatron step", "[cli]") {
  const Outcome outcome = plait("run");
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "megatron-tp8"));
  const Outcome lost = plait("run", "PLAIT_EXAMPLES=/nowhere");
  CHECK(lost.code == 1);
  CHECK(contains(lost.err, "PLAIT_EXAMPLES"));
}

TEST_CASE("validate prints a scenario that runs", "[cli]") {
  const Outcome outcome = plait("validate " + kIncast + " --set fabric.switch.ecn.k_min=200KB");
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "k_min: 200KB"));
  CHECK(contains(outcome.out, "# --set"));
  CHECK(contains(outcome.out, "# default"));
  CHECK(contains(outcome.out, "pfc.yaml:5"));
  std::ofstream("cli_resolved.yaml") << outcome.out;
  const Outcome resolved = plait("run cli_resolved.yaml");
  const Outcome direct = plait("run " + kIncast + " --set fabric.switch.ecn.k_min=200KB");
  CHECK(resolved.code == 0);
  const auto fingerprint = [](const std::string& out) {
    return out.substr(out.find("fingerprint"));
  };
  CHECK(fingerprint(resolved.out) == fingerprint(direct.out));
}

TEST_CASE("topo describes fabrics and writes what it reads", "[cli]") {
  const Outcome outcome = plait("topo " + kExamples +
                                "permutation128/scenario.yaml --metrics --dot cli.dot --graphml "
                                "cli.graphml");
  CHECK(outcome.code == 0);
  // k = 8: 8^3 / 4 hosts; half of them at 100 Gb/s cross the middle.
  CHECK(contains(outcome.out, "128 hosts"));
  CHECK(contains(outcome.out, "6.4 Tb/s"));
  CHECK(contains(text_of("cli.dot"), "graph"));
  const Outcome again = plait("topo cli.graphml");
  CHECK(again.code == 0);
  CHECK(again.out.rfind("file cli.graphml, 128 hosts", 0) == 0);
  CHECK(plait("topo " + kIncast + " --dot /proc/nowhere.dot").code == 1);
}

TEST_CASE("trace info takes a pattern, all files or one", "[cli]") {
  const std::string folder = kExamples + "traces/megatron_tp8/";
  const Outcome pattern = plait("trace info '" + folder + "meg.{rank}.et.gz'");
  CHECK(pattern.code == 0);
  CHECK(contains(pattern.out, "8 ranks"));
  CHECK(plait("trace info " + folder + "meg.*.et.gz").out == pattern.out);
  CHECK(plait("trace info " + folder + "meg.5.et.gz").out == pattern.out);
  check_user_error("trace info README", "has no rank number");
  check_user_error("trace info " + folder, "is a folder; give a pattern such as '" + folder);
}

TEST_CASE("the memory of traces changes no result", "[cli]") {
  const std::string info = "trace info '" + kExamples + "traces/megatron_tp8/meg.{rank}.et.gz'";
  const Outcome in_files = plait(info + " --trace-memory 0B");
  CHECK(in_files.code == 0);
  CHECK(in_files.out == plait(info).out);
  const Outcome no_unit = plait(info + " --trace-memory 8");
  CHECK(no_unit.code == 2);
  CHECK(contains(no_unit.err, "--trace-memory: size '8' lacks a unit"));
}

TEST_CASE("trace check tells whether a trace runs, by its exit code as well", "[cli]") {
  const Outcome good = plait("trace check " + kData + "astrasim_all_reduce/all_reduce.0.et");
  CHECK(good.code == 0);
  CHECK(good.err.empty());
  CHECK(contains(good.out, "all_reduce.{rank}.et: 8 ranks, 8 ops"));
  CHECK(contains(good.out, "\nThe trace runs.\n"));

  const std::string broken = "trace check " + kData + "pytorch_1gpu/chakra.0.et.gz";
  const Outcome repaired = plait(broken);
  CHECK(repaired.code == 0);
  CHECK(contains(repaired.out, "383 on the op itself, 1277 on missing ops"));
  CHECK(contains(repaired.out, "op 216 depends on op 3, which does not exist"));
  CHECK(contains(repaired.out, "dropped to repair the trace"));
  CHECK(contains(repaired.out, "\nThe trace runs when repaired.\n"));
  const Outcome strict = plait(broken + " --strict");
  CHECK(strict.code == 1);
  CHECK(contains(strict.out, "\nThe trace cannot run.\n"));

  // Both ranks are looked at, whatever is wrong with the first.
  TraceFolder truncated("cli_check");
  const std::string whole = trace({node(1, kComp), node(2, kComp, {1})});
  truncated.raw(whole.substr(0, whole.size() - 3)).raw("no trace");
  const Outcome cut = plait("trace check '" + truncated.pattern() + "'");
  CHECK(cut.code == 1);
  CHECK(contains(cut.out, "\nfiles: 2\n"));
  CHECK(contains(cut.out, "(truncated?)"));
  CHECK(contains(cut.out, "\nThe trace cannot run.\n"));

  TraceFolder stuck("cli_stuck");
  stuck.rank({collective(1, 0, 1024)}).rank({node(1, kComp)});
  const Outcome waits = plait("trace check '" + stuck.pattern() + "'");
  CHECK(waits.code == 1);
  CHECK(contains(waits.out, "rank 1 calls 0 collectives of"));

  check_user_error("trace check nowhere.0.et", "nowhere.{rank}.et: no file of this name in .");
  std::ofstream("cli_empty.goal") << "";
  const Outcome empty = plait("trace check cli_empty.goal");
  CHECK(empty.code == 1);
  CHECK(contains(empty.out, "cli_empty.goal:1:1: the file is empty; expected 'num_ranks'"));
  CHECK(plait("trace check").code == 2);
  CHECK(plait("trace check x.0.et --format xml").code == 2);
}

TEST_CASE("trace convert writes Chakra files that say the same, or none", "[cli]") {
  const std::string source = kData + "astrasim_all_reduce/all_reduce.0.et";
  fs::remove_all("cli_convert");
  fs::create_directory("cli_convert");
  const Outcome outcome = plait("trace convert " + source + " --to cli_convert/t.{rank}.et.gz");
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "cli_convert/t.{rank}.et.gz: 8 ranks, 8 ops\n");
  CHECK(std::distance(fs::directory_iterator("cli_convert"), fs::directory_iterator()) == 8);
  const auto tables = [](const std::string& files) {
    const std::string out = plait("trace info " + files).out;
    return out.substr(std::min(out.find('\n'), out.size()));  // behind the name of the files
  };
  CHECK_FALSE(tables(source).empty());
  CHECK(tables("cli_convert/t.0.et.gz") == tables(source));
  const std::string goal = PLAIT_SOURCE_DIR "/tests/validation/loggops/binary_tree_32.goal.gz";
  CHECK(plait("trace convert " + goal + " --to cli_convert/g.{rank}.et").code == 0);
  CHECK(tables("cli_convert/g.0.et") == tables(goal));

  check_user_error("trace convert " + source + " --to cli_convert/t.et",
                   "the trace's file name must contain {rank}");
  check_user_error("trace convert " + source + " --to cli_nowhere/t.{rank}.et",
                   "cannot be written");
  CHECK(plait("trace convert " + source).code == 2);
  TraceFolder broken("cli_convert_broken");
  broken.rank({node(1, kComp)}).raw("no trace");
  fs::remove_all("cli_none");
  fs::create_directory("cli_none");
  check_user_error("trace convert '" + broken.pattern() + "' --to cli_none/t.{rank}.et", "t.1.et");
  CHECK(fs::is_empty("cli_none"));
}

TEST_CASE("params lists and filters", "[cli]") {
  const Outcome all = plait("params");
  CHECK(all.code == 0);
  CHECK(contains(all.out, "transport.congestion_control.kind"));
  CHECK(contains(all.out, "jobs.N.traffic.pattern"));
  const Outcome ecn = plait("params fabric.switch.ecn --json");
  CHECK(ecn.code == 0);
  CHECK(contains(ecn.out, "\"fabric.switch.ecn.k_min\""));
  CHECK_FALSE(contains(ecn.out, "fabric.switch.pfc"));
  CHECK(contains(plait("params dcqcn").out, "transport.congestion_control.kind "));
  CHECK(contains(plait("params fabric.topology.hosts_per_leaf").out,
                 "(with fabric.topology.kind = leaf_spine)"));
}

}  // namespace plait::test
