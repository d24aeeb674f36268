// SPDX-License-Identifier: Apache-2.0
// plait._core: the run and its results. The package `plait` (python/plait) is what users import; it
// checks arguments and builds NumPy arrays.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "python/result_columns.hpp"
#include "sim/error.hpp"
#include "sim/spill.hpp"
#include "study/json_output.hpp"
#include "study/output.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "study/scenario.hpp"
#include "study/version.hpp"

namespace py = pybind11;

namespace plait {
namespace {

py::object make_error(py::module_& module, const char* name, const char* doc,
                      const py::tuple& bases) {
  const std::string full_name = std::string("plait.") + name;
  auto error = py::reinterpret_steal<py::object>(
      PyErr_NewExceptionWithDoc(full_name.c_str(), doc, bases.ptr(), nullptr));
  if (!error) throw py::error_already_set();
  for (const char* place : {"file", "line", "column"}) error.attr(place) = py::none();
  module.attr(name) = error;
  return error;
}

void raise(const py::object& error, const std::exception& cause, const SourceLocation& where,
           const std::shared_ptr<RunOutcome>& outcome = nullptr) {
  // The text of a mistake may hold bytes of the user's files.
  const auto text = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
      cause.what(), static_cast<Py_ssize_t>(std::char_traits<char>::length(cause.what())),
      "replace"));
  py::object instance = error(text);
  const auto or_none = [](auto value, bool known) {
    return known ? py::cast(value) : py::object(py::none());
  };
  instance.attr("file") = or_none(where.file, !where.file.empty());
  instance.attr("line") = or_none(where.line, where.line > 0);
  instance.attr("column") = or_none(where.column, where.column > 0);
  if (outcome) instance.attr("_outcome") = py::cast(outcome);
  PyErr_SetObject(error.ptr(), instance.ptr());
}

void translate(std::exception_ptr thrown) {
  const auto error_class = [](const char* name) -> py::object {
    return py::module_::import("plait._core").attr(name);
  };
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const StuckRun& error) {
    raise(error_class("DeadlockError"), error, error.where(), error.outcome());
  } catch (const UserError& error) {
    raise(error_class("ScenarioError"), error, error.where());
  } catch (const InternalFault& error) {
    raise(error_class("InternalError"), error, {});
  }
}

void define_errors(py::module_& module) {
  const py::object base =
      make_error(module, "PlaitError",
                 "Base of all errors of Plait. `file`, `line` and `column` tell where in the input "
                 "the mistake stands, or are None.",
                 py::make_tuple(py::handle(PyExc_Exception)));
  make_error(module, "ScenarioError",
             "What was asked for is wrong or impossible: the scenario, a trace, the output folder. "
             "The text says what is legal.",
             py::make_tuple(base, py::handle(PyExc_ValueError)));
  make_error(module, "DeadlockError",
             "The workload can never finish; the text says which ranks wait for what. `result` is "
             "what happened until then, a plait.Result that is not complete.",
             py::make_tuple(base, py::handle(PyExc_RuntimeError)));
  make_error(module, "InternalError", "A fault of Plait itself. Please report it.",
             py::make_tuple(base, py::handle(PyExc_RuntimeError)));
  py::register_exception_translator(&translate);
}

/// Looks after Python while the run goes on without the interpreter lock: signals (Ctrl-C) and the
/// user's callback. Whatever Python raises stops the run and is raised again after it.
class Watcher {
 public:
  explicit Watcher(py::object callback) : callback_(std::move(callback)) {}

  bool operator()(const StudyProgress& progress) {
    // Taking the interpreter lock may cost milliseconds when another Python thread is busy.
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return true;
    last_ = now;
    const py::gil_scoped_acquire lock;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return callback_.is_none() || keep_going(progress);
    } catch (py::error_already_set& raised) {
      raised_.emplace(std::move(raised));
      return false;
    }
  }

  void raise_again() {
    if (raised_) throw py::error_already_set(std::move(*raised_));
  }

 private:
  bool keep_going(const StudyProgress& progress) {
    py::dict state;
    state["simulated_us"] = static_cast<double>(progress.run.now.ps()) / 1e6;
    state["share"] = progress.share();
    state["packet_hops"] = progress.run.packet_hops;
    state["events"] = progress.run.events;
    state["ranks_finished"] = progress.run.ranks_finished;
    state["ranks"] = progress.run.ranks;
    return !callback_(state).is(py::bool_(false));
  }

  py::object callback_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::optional<py::error_already_set> raised_;
};

// The folder gets what there is, also from a run that cannot go on.
std::shared_ptr<RunOutcome> run_and_write(const Scenario& scenario, const RunSettings& settings,
                                          const std::optional<std::string>& out) {
  if (out) check_output_directory(*out);
  try {
    return std::make_shared<RunOutcome>(run_scenario(scenario, settings));
  } catch (const StuckRun& stuck) {
    if (out) write_results(stuck.outcome()->results, *out);
    throw;
  }
}

std::shared_ptr<RunOutcome> run(const Scenario& scenario, unsigned threads,
                                const std::optional<std::string>& out, const py::object& progress) {
  Watcher watcher(progress);
  RunSettings settings;
  settings.threads = threads;
  settings.progress = [&watcher](const StudyProgress& state) { return watcher(state); };
  std::shared_ptr<RunOutcome> outcome;
  {
    const py::gil_scoped_release unlocked;
    outcome = run_and_write(scenario, settings, out);
  }
  watcher.raise_again();
  if (out) {
    const py::gil_scoped_release unlocked;
    write_results(outcome->results, *out);
  }
  return outcome;
}

std::shared_ptr<RunOutcome> run_file(const std::string& file,
                                     const std::vector<std::string>& settings, unsigned threads,
                                     const std::optional<std::string>& out,
                                     const py::object& progress) {
  return run(load_scenario(file, settings), threads, out, progress);
}

std::shared_ptr<RunOutcome> run_text(const std::string& text, const std::string& name,
                                     const std::vector<std::string>& settings, unsigned threads,
                                     const std::optional<std::string>& out,
                                     const py::object& progress) {
  return run(parse_scenario(text, name, "", settings), threads, out, progress);
}

py::str lenient(const std::string& text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

void define_outcome(py::module_& module) {
  const auto results = [](auto function) {
    return [function](const RunOutcome& o) { return lenient(function(o.results)); };
  };
  py::class_<RunOutcome, std::shared_ptr<RunOutcome>>(module, "Outcome")
      .def("columns", [](const RunOutcome& o,
                         const std::string& table) { return result_columns(o.results, table); })
      .def("report", results(&report))
      .def("performance_line", results(&performance_line))
      .def("summary_json", results(&summary_json))
      .def("performance_json", results(&performance_json))
      .def("fingerprint", results(&fingerprint_text))
      .def("scenario_yaml", results([](const Results& r) { return r.context.scenario_yaml; }))
      .def("complete", [](const RunOutcome& o) { return o.results.context.complete; })
      .def("warnings", [](const RunOutcome& o) { return o.warnings; })
      .def(
          "write",
          [](const RunOutcome& o, const std::string& directory) {
            write_results(o.results, directory);
          },
          py::call_guard<py::gil_scoped_release>());
}

}  // namespace
}  // namespace plait

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled part of plait; use the package instead.";
  module.attr("__version__") = std::string(plait::version());
  plait::define_errors(module);
  plait::define_outcome(module);
  module.def(
      "set_trace_memory",
      [](const std::string& size) { plait::set_spill_budget(plait::parse_bytes(size)); },
      py::arg("size"),
      "set_trace_memory(size)\n--\n\n"
      "Memory that the arrays of this process may take which grow with the ops of traces, as a "
      "text with a unit ('1GiB'; 256MiB unless it is set). What is beyond lies in temporary files "
      "in $TMPDIR, else /var/tmp. Results do not depend on it. Raises ScenarioError for a text "
      "that is no size; plait.run() does where no file can be made.");
  module.def("run_file", &plait::run_file, py::arg("file"), py::arg("settings"), py::arg("threads"),
             py::arg("out"), py::arg("progress"));
  module.def("run_text", &plait::run_text, py::arg("text"), py::arg("name"), py::arg("settings"),
             py::arg("threads"), py::arg("out"), py::arg("progress"));
}
