// SPDX-License-Identifier: Apache-2.0
#include "workloads/pytorch/kineto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sim/error.hpp"
#include "sim/spill_sort.hpp"
#include "workloads/int_list.hpp"
#include "workloads/pytorch/comm_names.hpp"
#include "workloads/pytorch/tensor_bytes.hpp"
#include "workloads/trace_input.hpp"

namespace plait {

namespace {

using Json = nlohmann::json;

constexpr double kLongestMicros = 9e12;                        // 100 days: a span
constexpr std::int64_t kLatestMicros = 9'000'000'000'000'000;  // since 1970: the year 2255

class EventReader {
 public:
  explicit EventReader(TraceInput& input) : input_(input) { trace_.file = input.name(); }

  KinetoTrace read() {
    bool has_events = false;
    for_each_json_value(
        input_,
        [&](const std::string& key) {
          has_events |= key == "traceEvents";
          return key == "traceEvents" || key == "distributedInfo";
        },
        [&](const std::string& key, const Json& value, std::uint64_t offset) {
          offset_ = offset;
          if (key == "distributedInfo")
            distributed_info(value);
          else
            event(value);
        });
    if (!has_events)
      throw UserError(
          fmt::format("{}: has no list 'traceEvents'; is this a profiler's trace?", trace_.file));
    join();
    return std::move(trace_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("{}: byte {}, event {}: {}", trace_.file, offset_, number_, what));
  }

  void distributed_info(const Json& info) {
    if (!info.is_object()) return;
    const auto number = [&](const char* key) -> std::optional<std::int64_t> {
      const auto found = info.find(key);
      if (found == info.end() || !found->is_number_integer()) return std::nullopt;
      return found->get<std::int64_t>();
    };
    trace_.rank = number("rank");
    trace_.world_size = number("world_size");
    const auto config = info.find("pg_config");
    if (config == info.end() || !config->is_array()) return;
    for (const Json& group : *config) {
      if (!group.is_object() || !group.contains("pg_name") || !group["pg_name"].is_string() ||
          !group.contains("ranks"))
        continue;
      if (const auto ranks = numbers(group["ranks"]); ranks && !ranks->empty())
        trace_.groups.emplace_back(group["pg_name"].get<std::string>(), *ranks);
    }
  }

  /// A list of whole numbers, as JSON or as text.
  static std::optional<std::vector<std::int64_t>> numbers(const Json& value) {
    if (value.is_string()) return parse_int_list(value.get<std::string>());
    if (!value.is_array()) return std::nullopt;
    std::vector<std::int64_t> result;
    for (const Json& item : value) {
      if (!item.is_number_integer()) return std::nullopt;
      result.push_back(item.get<std::int64_t>());
    }
    return result;
  }

  void event(const Json& event) {
    ++number_;
    if (!event.is_object()) fail("an event must be an object");
    const auto kind = event.find("ph");
    const auto category = event.find("cat");
    if (kind == event.end() || *kind != "X" || category == event.end() || !category->is_string())
      return;
    const std::string cat = category->get<std::string>();
    if (cat == "kernel" || cat == "gpu_memcpy" || cat == "gpu_memset")
      gpu_op(event);
    else if (cat == "cuda_runtime" || cat == "cuda_driver")
      host_call(event);
    else if (cat == "user_annotation" || cat == "cpu_op")
      annotation(event);
  }

  /// Microseconds, whole or with a fraction, as nanoseconds; exact also where a double is not.
  std::int64_t nanoseconds(const Json& event, const char* key) const {
    const auto found = event.find(key);
    if (found == event.end()) fail(fmt::format("'{}' is missing", key));
    if (found->is_number_integer()) {
      const auto micros = found->get<std::int64_t>();
      if (micros < 0 || micros > kLatestMicros) fail(fmt::format("'{}' is out of range", key));
      return micros * 1000;
    }
    if (found->is_number_float()) {
      const double micros = found->get<double>();
      if (!(micros >= 0 && micros <= kLongestMicros))
        fail(fmt::format("'{}' is out of range", key));
      return std::llround(micros * 1000);
    }
    // A large number with a fraction comes as its text (for_each_json_value()).
    if (!found->is_string()) fail(fmt::format("'{}' is not a time in microseconds", key));
    const std::string text = found->get<std::string>();
    std::int64_t micros = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
    if (error != std::errc() || end == text.data() + text.size() || *end != '.' || micros < 0 ||
        micros > kLatestMicros)
      fail(fmt::format("'{}' is not a time in microseconds", key));
    std::int64_t nanos = 0;
    std::int64_t unit = 100;
    for (const char* digit = end + 1; digit < text.data() + text.size(); ++digit, unit /= 10) {
      if (*digit < '0' || *digit > '9')
        fail(fmt::format("'{}' is not a time in microseconds", key));
      nanos += unit * (*digit - '0');
    }
    return micros * 1000 + nanos;
  }

  std::int64_t whole(const Json& object, const char* key, std::int64_t otherwise) const {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                               : otherwise;
  }

  static std::string text(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    return found->is_number_integer() ? found->dump() : std::string();
  }

  static const Json& args(const Json& event) {
    static const Json kNone = Json::object();
    const auto found = event.find("args");
    return found != event.end() && found->is_object() ? *found : kNone;
  }

  void gpu_op(const Json& event) {
    const Json& arguments = args(event);
    GpuOp op;
    op.begin_ns = nanoseconds(event, "ts");
    op.end_ns = op.begin_ns + nanoseconds(event, "dur");
    const std::int64_t correlation = whole(arguments, "correlation", -1);
    if (correlation < 0) fail("a GPU op without its 'correlation'");
    op.correlation = static_cast<std::uint64_t>(correlation);
    const std::int64_t stream = whole(arguments, "stream", -1);
    if (stream < 0 || stream > kLastStream) fail("a GPU op without its 'stream'");
    const std::int64_t device = whole(arguments, "device", 0);
    if (device_ && *device_ != device)
      fail(fmt::format("GPU ops of two devices, {} and {}: a rank has one", *device_, device));
    device_ = device;
    op.stream = static_cast<std::uint32_t>(stream);
    const std::string name = text(event, "name");
    op.is_nccl = name.starts_with("nccl");
    op.name = trace_.texts.number_of(name);
    if (op.is_nccl && arguments.contains("Collective name")) {
      op.call = static_cast<std::int32_t>(trace_.calls.size());
      trace_.calls.push_back(comm_call(event, text(arguments, "Collective name")));
    }
    trace_.gpu.push_back(op);
  }

  std::uint32_t intern(const std::string& text) {
    return text.empty() ? NameTable::kNone : trace_.texts.number_of(text);
  }

  /// A list that is not empty and has whole numbers only.
  std::uint32_t intern_numbers(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return NameTable::kNone;
    const auto list = numbers(*found);
    if (!list || list->empty()) return NameTable::kNone;
    return intern(found->is_string() ? found->get<std::string>() : found->dump());
  }

  void host_call(const Json& event) {
    const std::string name = text(event, "name");
    HostCall call;
    if (name.find("Synchronize") != std::string::npos)
      call.kind = HostCall::Kind::kSynchronize;
    else if (name.find("StreamWaitEvent") != std::string::npos)
      call.kind = HostCall::Kind::kStreamWait;
    else if (name.find("Launch") == std::string::npos && name.find("Memcpy") == std::string::npos &&
             name.find("Memset") == std::string::npos)
      return;
    call.begin_ns = nanoseconds(event, "ts");
    call.end_ns = call.begin_ns + nanoseconds(event, "dur");
    call.thread = whole(event, "tid", 0);
    const std::int64_t correlation = whole(args(event), "correlation", -1);
    if (correlation < 0) fail(fmt::format("'{}' without its 'correlation'", name));
    call.correlation = static_cast<std::uint64_t>(correlation);
    trace_.host.push_back(call);
  }

  void annotation(const Json& event) {
    constexpr std::string_view kStep = "ProfilerStep#";
    const std::string name = text(event, "name");
    if (name.starts_with(kStep)) {
      const std::int64_t begin = nanoseconds(event, "ts");
      trace_.steps.push_back({name.substr(kStep.size()), begin, begin + nanoseconds(event, "dur")});
      return;
    }
    const std::string told = text(args(event), "Collective name");
    if (name.starts_with("nccl:"))
      trace_.records.push_back(comm_call(event, told.empty() ? name.substr(5) : told));
    else if (name == "record_param_comms" && !told.empty() && told != "wait" && told != "init")
      trace_.records.push_back(comm_call(event, told));
  }

  CommCall comm_call(const Json& event, const std::string& name) {
    const Json& arguments = args(event);
    CommCall call;
    call.begin_ns = nanoseconds(event, "ts");
    call.end_ns = call.begin_ns + nanoseconds(event, "dur");
    call.thread = whole(event, "tid", 0);
    call.name = intern(name);
    if (const auto element = element_size(text(arguments, "dtype"))) {
      const auto bytes = [&](const char* key) -> std::optional<std::int64_t> {
        const std::int64_t count = whole(arguments, key, -1);
        if (count < 0 || count > kMostElements) return std::nullopt;
        return count * *element;
      };
      call.in_bytes = bytes("In msg nelems");
      call.out_bytes = bytes("Out msg nelems");
    } else if (arguments.contains("Input Dims") && arguments.contains("Input type")) {
      call.in_bytes = tensor_bytes(arguments["Input Dims"], arguments["Input type"]);
    }
    call.group = intern(text(arguments, "Process Group Name"));
    call.ranks = intern_numbers(arguments, "Process Group Ranks");
    call.splits = intern_numbers(arguments, "In split size");
    call.group_size = whole(arguments, "Group size", 0);
    const std::int64_t peer = whole(arguments, is_send(name) ? "Dst Rank" : "Src Rank", -1);
    if (peer >= 0) call.peer = peer;
    return call;
  }

  /// Ties each GPU op to its launch and sorts all.
  void join() {
    SpillVector<HostCall> launches;
    for (const HostCall& call : trace_.host)
      if (call.kind == HostCall::Kind::kLaunch) launches.push_back(call);
    const auto by_correlation = [](const HostCall& a, const HostCall& b) {
      return a.correlation < b.correlation;
    };
    spill_stable_sort(launches, by_correlation);
    for (GpuOp& op : trace_.gpu) {
      HostCall wanted;
      wanted.correlation = op.correlation;
      const auto found = std::lower_bound(launches.begin(), launches.end(), wanted, by_correlation);
      op.launched = found != launches.end() && found->correlation == op.correlation &&
                    found->begin_ns <= op.begin_ns;
      op.launch_ns = op.launched ? found->begin_ns : op.begin_ns;
      op.thread = op.launched ? found->thread : 0;
    }
    spill_stable_sort(trace_.gpu, [](const GpuOp& a, const GpuOp& b) {
      return std::tie(a.launch_ns, a.begin_ns) < std::tie(b.launch_ns, b.begin_ns);
    });
    spill_stable_sort(trace_.host,
                      [](const HostCall& a, const HostCall& b) { return a.begin_ns < b.begin_ns; });
    spill_stable_sort(trace_.records, [](const CommCall& a, const CommCall& b) {
      return std::tie(a.thread, a.begin_ns) < std::tie(b.thread, b.begin_ns);
    });
  }

  static constexpr std::int64_t kLastStream = 1 << 30;
  static constexpr std::int64_t kMostElements = std::int64_t{1} << 45;
  TraceInput& input_;
  KinetoTrace trace_;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
  std::optional<std::int64_t> device_;
};

}  // namespace

KinetoTrace read_kineto(const std::filesystem::path& file) {
  TraceInput input(file);
  return EventReader(input).read();
}

}  // namespace plait
