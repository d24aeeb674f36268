// SPDX-License-Identifier: Apache-2.0
#include "python/result_columns.hpp"

#include <cmath>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sim/check.hpp"

namespace py = pybind11;

namespace plait {
namespace {

double us(Duration d) { return static_cast<double>(d.ps()) / 1e6; }
double us(SimTime t) { return t == SimTime::never() ? std::nan("") : us(t.since_start()); }

template <class T>
constexpr const char* dtype_of() {
  if constexpr (std::is_same_v<T, bool>) return "?";
  if constexpr (std::is_same_v<T, double>) return "=f8";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "=u4";
  if constexpr (std::is_same_v<T, std::int64_t>) return "=i8";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "=u8";
}

py::str text(std::string_view characters) {
  // Names come from the user's files and may hold any bytes.
  return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(
      characters.data(), static_cast<Py_ssize_t>(characters.size()), "replace"));
}

/// Columns over one vector of records.
template <class Record>
class Columns {
 public:
  template <class Allocator>
  explicit Columns(const std::vector<Record, Allocator>& records) : records_(records) {}

  /// One value per record: a number, or something that converts to string_view.
  template <class Get>
  Columns& add(const char* name, Get get) {
    using Value = decltype(value_of(get, 0));
    if constexpr (std::is_arithmetic_v<Value>) {
      auto bytes = py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(
          nullptr, static_cast<Py_ssize_t>(records_.size() * sizeof(Value))));
      if (!bytes) throw py::error_already_set();
      char* out = PyBytes_AS_STRING(bytes.ptr());
      for (std::size_t i = 0; i < records_.size(); ++i) {
        const Value value = value_of(get, i);
        std::memcpy(out + i * sizeof(Value), &value, sizeof(Value));
      }
      list_.append(py::make_tuple(name, dtype_of<Value>(), bytes));
    } else {
      py::list names;
      for (std::size_t i = 0; i < records_.size(); ++i) names.append(text(value_of(get, i)));
      list_.append(py::make_tuple(name, "str", names));
    }
    return *this;
  }

  py::list take() { return std::move(list_); }

 private:
  template <class Get>
  decltype(auto) value_of(Get& get, std::size_t i) const {
    if constexpr (std::is_invocable_v<Get&, const Record&, std::size_t>)
      return get(records_[i], i);
    else
      return get(records_[i]);
  }

  std::span<const Record> records_;
  py::list list_;
};

py::list job_columns(const Results& r) {
  return Columns(r.jobs)
      .add("name", [&](const JobSummary&, std::size_t i) { return r.context.jobs[i].name; })
      .add("ranks", [](const JobSummary& j) { return j.ranks; })
      .add("start_us",
           [&](const JobSummary&, std::size_t i) { return us(r.context.jobs[i].start); })
      .add("end_us", [](const JobSummary& j) { return us(j.end); })
      .add(
          "jct_us",
          [](const JobSummary& j) { return j.finished ? us(j.job_completion_time) : std::nan(""); })
      .add("background",
           [&](const JobSummary&, std::size_t i) { return bool{r.context.jobs[i].background}; })
      .take();
}

py::list rank_columns(const Results& r) {
  return Columns(r.records.ranks)
      .add("job", [](const RankRecord& x) { return x.job.value(); })
      .add("rank", [](const RankRecord& x) { return x.rank.value(); })
      .add("gpu", [](const RankRecord& x) { return x.gpu.value(); })
      .add("host",
           [&](const RankRecord& x) -> std::string_view {
             return r.context.graph->node(r.context.graph->gpu_host(x.gpu)).name;
           })
      .add("start_us", [](const RankRecord& x) { return us(x.start); })
      .add("end_us", [](const RankRecord& x) { return us(x.end); })
      .add("compute_us", [](const RankRecord& x) { return us(x.compute); })
      .add("exposed_communication_us",
           [](const RankRecord& x) { return us(x.exposed_communication); })
      .add("overlapped_communication_us",
           [](const RankRecord& x) { return us(x.overlapped_communication); })
      .add("idle_us", [](const RankRecord& x) { return us(x.idle); })
      .add("finished", [](const RankRecord& x) { return x.finished; })
      .take();
}

py::list op_columns(const Results& r) {
  return Columns(r.records.ops)
      .add("job", [](const OpRecord& x) { return x.job.value(); })
      .add("rank", [](const OpRecord& x) { return x.rank.value(); })
      .add("op", [](const OpRecord& x) { return x.op.value(); })
      .add("name", [&](const OpRecord& x) { return op_name(r, x); })
      .add("kind", [&](const OpRecord& x) { return to_string(op_of(r, x).kind); })
      .add("collective",
           [&](const OpRecord& x) {
             const Op& op = op_of(r, x);
             return op.kind == OpKind::kCollective ? to_string(op.collective) : std::string_view();
           })
      .add("size_bytes", [&](const OpRecord& x) { return op_of(r, x).size.count(); })
      .add("start_us", [](const OpRecord& x) { return us(x.start); })
      .add("end_us", [](const OpRecord& x) { return us(x.end); })
      .add("duration_us", [](const OpRecord& x) { return us(x.end - x.start); })
      .take();
}

py::list message_columns(const Results& r) {
  using M = MessageRecord;
  return Columns(r.records.messages)
      .add("job", [](const M& m) { return m.job.value(); })
      .add("from_gpu", [](const M& m) { return m.from.value(); })
      .add("to_gpu", [](const M& m) { return m.to.value(); })
      .add("stream", [](const M& m) { return m.stream; })
      .add("size_bytes", [](const M& m) { return m.size.count(); })
      .add("posted_us", [](const M& m) { return us(m.posted); })
      .add("delivered_us", [](const M& m) { return us(m.delivered); })
      .add("acked_us", [](const M& m) { return us(m.acked); })
      .add("fct_us",
           [](const M& m) { return is_delivered(m) ? us(completion_time(m)) : std::nan(""); })
      .add("ideal_us", [](const M& m) { return us(m.ideal); })
      .add("slowdown", [](const M& m) { return is_delivered(m) ? slowdown(m) : std::nan(""); })
      .take();
}

py::list request_columns(const Results& r) {
  using Q = RequestRecord;
  const auto info = [&](const Q& q) -> const RequestInfo& {
    return r.context.jobs[q.job.index()].requests;
  };
  return Columns(r.records.requests)
      .add("job", [](const Q& q) { return q.job.value(); })
      .add("id", [](const Q& q) { return q.id; })
      .add("kind", [&](const Q& q) { return to_string(info(q).kind); })
      .add("class",
           [&](const Q& q) -> std::string_view { return info(q).classes[q.request_class]; })
      .add("client_rank", [](const Q& q) { return q.client.value(); })
      .add("server_rank",
           [](const Q& q) {
             return q.server.valid() ? static_cast<std::int64_t>(q.server.value()) : -1;
           })
      .add("arrival_us", [](const Q& q) { return us(q.arrival); })
      .add("first_us", [](const Q& q) { return us(q.first); })
      .add("end_us", [](const Q& q) { return us(q.end); })
      .add("latency_us",
           [](const Q& q) { return has_ended(q) ? us(request_latency(q)) : std::nan(""); })
      .add("input_units", [](const Q& q) { return q.input_units; })
      .add("units", [](const Q& q) { return q.units; })
      .take();
}

py::list storage_server_columns(const Results& r) {
  using S = StorageServerRecord;
  return Columns(r.records.storage_servers)
      .add("job", [](const S& s) { return s.job.value(); })
      .add("rank", [](const S& s) { return s.rank.value(); })
      .add("gpu", [](const S& s) { return s.gpu.value(); })
      .add("read_bytes", [](const S& s) { return s.read.count(); })
      .add("written_bytes", [](const S& s) { return s.written.count(); })
      .add("pieces", [](const S& s) { return s.pieces; })
      .add("disk_busy_us", [](const S& s) { return us(s.disk_busy); })
      .add("longest_wait_us", [](const S& s) { return us(s.longest_wait); })
      .add("active_us", [](const S& s) { return us(active_time(s)); })
      .take();
}

py::list flow_columns(const Results& r) {
  using F = FlowRecord;
  return Columns(r.records.flows)
      .add("from_gpu", [](const F& f) { return f.from.value(); })
      .add("to_gpu", [](const F& f) { return f.to.value(); })
      .add("stream", [](const F& f) { return f.stream; })
      .add("hops", [](const F& f) { return f.hops; })
      .add("first_sent_us", [](const F& f) { return us(f.first_sent); })
      .add("last_acked_us", [](const F& f) { return us(f.last_acked); })
      .add("payload_bytes", [](const F& f) { return f.payload.count(); })
      .add("packets", [](const F& f) { return f.packets; })
      .add("retransmitted", [](const F& f) { return f.retransmitted; })
      .add("cnps", [](const F& f) { return f.cnps; })
      .add("timeouts", [](const F& f) { return f.timeouts; })
      .add("lane", [](const F& f) { return f.lane; })
      .add("failed_us", [](const F& f) { return us(f.failed); })
      .take();
}

py::list flow_slowdown_columns(const Results& r) {
  using F = FlowSlowdown;
  const auto value = [](const F& f, double x) { return f.flows > 0 ? x : std::nan(""); };
  return Columns(r.flow_slowdowns)
      .add("job", [](const F& f) { return f.job.value(); })
      .add("size", [](const F& f) { return bin_name(f); })
      .add("above_bytes", [](const F& f) { return f.above.count(); })
      .add("up_to_bytes", [](const F& f) { return f.up_to.count(); })
      .add("flows", [](const F& f) { return std::uint64_t{f.flows}; })
      .add("unfinished", [](const F& f) { return std::uint64_t{f.unfinished}; })
      .add("mean", [=](const F& f) { return value(f, f.mean); })
      .add("p50", [=](const F& f) { return value(f, f.p50); })
      .add("p95", [=](const F& f) { return value(f, f.p95); })
      .add("p99", [=](const F& f) { return value(f, f.p99); })
      .add("p99_9", [=](const F& f) { return value(f, f.p999); })
      .take();
}

py::list link_columns(const Results& r) {
  using L = LinkRecord;
  const FabricGraph& graph = *r.context.graph;
  return Columns(r.records.links)
      .add("name", [&](const L&, std::size_t i) { return graph.link_name(PortId(i)); })
      .add("from_node",
           [&](const L&, std::size_t i) -> std::string_view {
             return graph.node(graph.port_node(PortId(i))).name;
           })
      .add("to_node",
           [&](const L&, std::size_t i) -> std::string_view {
             return graph.node(graph.port_node(graph.peer(PortId(i)))).name;
           })
      .add("rate_gbps",
           [&](const L&, std::size_t i) {
             return static_cast<double>(graph.egress(PortId(i)).rate.bps()) / 1e9;
           })
      .add("delay_us", [&](const L&, std::size_t i) { return us(graph.egress(PortId(i)).delay); })
      .add("packets", [](const L& x) { return x.packets; })
      .add("wire_bytes", [](const L& x) { return x.wire_bytes.count(); })
      .add("busy_us", [](const L& x) { return us(x.busy); })
      .add("utilisation", [&](const L&, std::size_t i) { return utilisation(r, PortId(i)); })
      .add("paused_us", [](const L& x) { return us(x.paused); })
      .add("max_queue_bytes", [](const L& x) { return x.max_queue.count(); })
      .add("ecn_marks", [](const L& x) { return x.ecn_marks; })
      .add("drops", [](const L& x) { return x.drops; })
      .add("pauses_sent", [](const L& x) { return x.pauses_sent; })
      .add("lossless_drops", [](const L& x) { return x.lossless_drops; })
      .add("trims", [](const L& x) { return x.trims; })
      .add("watchdog_triggers", [](const L& x) { return x.watchdog_triggers; })
      .add("watchdog_drops", [](const L& x) { return x.watchdog_drops; })
      .take();
}

py::list finding_columns(const Results& r) {
  return Columns(r.findings)
      .add("kind", [](const Finding& f) { return to_string(f.kind); })
      .add("severity", [](const Finding& f) { return to_string(f.severity); })
      .add("object", [](const Finding& f) -> std::string_view { return f.object; })
      .add("value", [](const Finding& f) { return f.value; })
      .add("text", [](const Finding& f) -> std::string_view { return f.text; })
      .take();
}

}  // namespace

py::list result_columns(const Results& results, const std::string& table) {
  if (table == "jobs") return job_columns(results);
  if (table == "ranks") return rank_columns(results);
  if (table == "ops") return op_columns(results);
  if (table == "messages") return message_columns(results);
  if (table == "requests") return request_columns(results);
  if (table == "storage_servers") return storage_server_columns(results);
  if (table == "flows") return flow_columns(results);
  if (table == "flow_slowdown") return flow_slowdown_columns(results);
  if (table == "links") return link_columns(results);
  if (table == "findings") return finding_columns(results);
  PLAIT_CHECK(false, "no table " + table);
}

}  // namespace plait
