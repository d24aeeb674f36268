// SPDX-License-Identifier: Apache-2.0
#include "workloads/goal/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "workloads/goal/edges.hpp"
#include "workloads/goal/scanner.hpp"
#include "workloads/name_table.hpp"

namespace plait {

namespace {

using Kind = GoalToken::Kind;

/// "'foo'" or "the end of the file".
std::string text_of(const GoalToken& token) {
  return token.kind == Kind::kEnd ? "the end of the file" : fmt::format("'{}'", token.text);
}

class GoalParser {
 public:
  explicit GoalParser(const std::string& file) : file_(file), scanner_(file) {}

  std::vector<std::shared_ptr<const OpGraph>> parse() {
    if (scanner_.peek().kind == Kind::kEnd)
      scanner_.fail(scanner_.peek(), "the file is empty; expected 'num_ranks'");
    expect("num_ranks");
    const auto ranks = static_cast<std::uint32_t>(number("the number of ranks", 1, kMaxGoalRanks));
    std::vector<std::shared_ptr<const OpGraph>> graphs;
    while (graphs.size() < ranks) graphs.push_back(parse_rank(graphs.size(), ranks));
    if (scanner_.peek().kind != Kind::kEnd)
      scanner_.fail(scanner_.peek(),
                    fmt::format("{} after the last of {} ranks", text_of(scanner_.peek()), ranks));
    return graphs;
  }

 private:
  void expect(std::string_view wanted) {
    if (!scanner_.peek().is(wanted))
      scanner_.fail(scanner_.peek(),
                    fmt::format("expected '{}', found {}", wanted, text_of(scanner_.peek())));
    scanner_.take();
  }

  std::int64_t number(std::string_view what, std::int64_t low, std::int64_t high) {
    const GoalToken token = scanner_.take();
    if (token.kind != Kind::kNumber)
      scanner_.fail(token, fmt::format("expected {}, found {}", what, text_of(token)));
    std::int64_t value = 0;
    const char* end = token.text.data() + token.text.size();
    const auto [stop, error] = std::from_chars(token.text.data(), end, value);
    if (error != std::errc() || stop != end || value < low || value > high)
      scanner_.fail(token, fmt::format("{} is {}; legal: {} to {}", what, token.text, low, high));
    return value;
  }

  std::shared_ptr<const OpGraph> parse_rank(std::size_t rank, std::uint32_t ranks) {
    if (scanner_.peek().kind == Kind::kEnd)
      scanner_.fail(scanner_.peek(),
                    fmt::format("the file ends before rank {} of {} (truncated?)", rank, ranks));
    expect("rank");
    const GoalToken at = scanner_.peek();
    const std::int64_t named = number("the rank's number", 0, kMaxGoalRanks);
    if (named != static_cast<std::int64_t>(rank))
      scanner_.fail(at,
                    fmt::format("rank {} where rank {} is due; they come in order", named, rank));
    rank_ = static_cast<std::uint32_t>(rank);
    ranks_ = ranks;
    ops_.clear();
    lines_.clear();
    labels_ = NameTable();
    labelled_.clear();
    depends_on_.clear();
    starts_after_.clear();
    last_line_ = 0;
    expect("{");
    while (!scanner_.peek().is("}")) parse_line();
    scanner_.take();
    depends_on_.sort();
    starts_after_.sort();
    OpGraphBuilder builder;
    for (std::uint32_t i = 0; i < ops_.size(); ++i)
      builder.add(ops_[i], name_of(i), lines_[i], depends_on_.take(i), starts_after_.take(i));
    return std::make_shared<const OpGraph>(
        std::move(builder).build(fmt::format("{}: rank {}, ops named by their line", file_, rank)));
  }

  void parse_line() {
    const GoalToken first = scanner_.take();
    if (first.kind == Kind::kEnd)
      scanner_.fail(first, fmt::format("the file ends inside rank {} (truncated?)", rank_));
    if (first.kind != Kind::kWord)
      scanner_.fail(first,
                    fmt::format("expected a label or an operation, found {}", text_of(first)));
    if (scanner_.peek().is(":")) {
      scanner_.take();
      if (labels_.find(first.text) != NameTable::kNone)
        scanner_.fail(first, fmt::format("label '{}' is already taken in rank {}, by line {}",
                                         first.text, rank_, lines_[at_label(first)]));
      const std::uint32_t label = labels_.number_of(first.text);
      labelled_.push_back(static_cast<std::uint32_t>(ops_.size()));
      const GoalToken verb = scanner_.take();
      parse_op(verb, label);
    } else if (scanner_.peek().is("requires") || scanner_.peek().is("irequires")) {
      parse_dependency(first);
    } else {
      parse_op(first, NameTable::kNone);
    }
  }

  /// @param label its number in labels_, kept in Op::name until the rank is complete.
  void parse_op(const GoalToken& verb, std::uint32_t label) {
    Op op;
    op.device = Device::kCpu;
    op.in_order = false;
    op.name = label;
    if (verb.line == last_line_) scanner_.fail(verb, "a second operation on one line");
    last_line_ = verb.line;
    if (verb.is("send") || verb.is("recv"))
      parse_message(verb, op);
    else if (verb.is("calc"))
      parse_calc(op);
    else
      scanner_.fail(verb,
                    fmt::format("{} is not an operation{}; legal: send, recv, calc, or LABEL "
                                "requires LABEL, LABEL irequires LABEL",
                                text_of(verb), did_you_mean(verb.text, {"send", "recv", "calc"})));
    ops_.push_back(op);
    lines_.push_back(static_cast<std::uint64_t>(verb.line));
  }

  void parse_message(const GoalToken& verb, Op& op) {
    const bool sends = verb.is("send");
    op.kind = sends ? OpKind::kSend : OpKind::kRecv;
    op.size = Bytes(number("the size", 0, kMaxGoalBytes));
    expect("b");
    expect(sends ? "to" : "from");
    const GoalToken at = scanner_.peek();
    const std::int64_t peer = number("the peer", -1, kMaxGoalRanks);
    if (sends && peer < 0) scanner_.fail(at, "a send needs a destination; only a recv may have -1");
    if (peer >= ranks_)
      scanner_.fail(
          at, fmt::format("rank {} does not exist, there are ranks 0 to {}", peer, ranks_ - 1));
    if (peer == rank_) scanner_.fail(at, fmt::format("rank {} talks to itself", rank_));
    if (peer >= 0) op.peer = RankId(static_cast<std::uint32_t>(peer));
    while (scanner_.peek().is("tag") || scanner_.peek().is("cpu") || scanner_.peek().is("nic")) {
      const GoalToken key = scanner_.take();
      if (key.is("cpu")) {
        op.stream = small("the cpu");
      } else if (key.is("nic")) {
        op.nic = small("the nic");
      } else {
        const GoalToken place = scanner_.peek();
        const std::int64_t tag = number("the tag", -1, std::int64_t{UINT32_MAX} - 1);
        if (sends && tag < 0) scanner_.fail(place, "a send needs a tag; only a recv may have -1");
        op.tag = tag < 0 ? Op::kAnyTag : static_cast<std::uint32_t>(tag);
      }
    }
  }

  void parse_calc(Op& op) {
    op.duration = Duration::ns(number("the nanoseconds of a calc", 0, kMaxGoalNanoseconds));
    if (!scanner_.peek().is("cpu")) return;
    scanner_.take();
    op.stream = small("the cpu");
  }

  /// A number of a CPU or NIC, which the binary form keeps in a byte.
  std::uint8_t small(std::string_view what) {
    return static_cast<std::uint8_t>(number(what, 0, UINT8_MAX));
  }

  void parse_dependency(const GoalToken& what) {
    const std::uint32_t op = at_label(what);
    const bool at_start = scanner_.take().is("irequires");
    const GoalToken other = scanner_.take();
    const std::uint32_t on = at_label(other);
    if (on == op) scanner_.fail(other, fmt::format("'{}' requires itself", what.text));
    (at_start ? starts_after_ : depends_on_).add(op, lines_[on]);
  }

  /// As the graph calls the op: by its label, or by what it is.
  std::string_view name_of(std::uint32_t op) const {
    constexpr std::string_view kVerbs[] = {"calc", "send", "recv"};
    return ops_[op].name == NameTable::kNone ? kVerbs[static_cast<std::size_t>(ops_[op].kind)]
                                             : labels_.text(ops_[op].name);
  }

  /// Position of the op with this label.
  std::uint32_t at_label(const GoalToken& label) {
    if (label.kind != Kind::kWord)
      scanner_.fail(label, fmt::format("expected a label, found {}", text_of(label)));
    const std::uint32_t found = labels_.find(label.text);
    if (found != NameTable::kNone) return labelled_[found];
    std::vector<std::string> known;  // in the order of the file
    for (std::uint32_t i = 0; i < ops_.size(); ++i) known.emplace_back(name_of(i));
    scanner_.fail(label, fmt::format("label '{}' is not defined above in rank {}{}", label.text,
                                     rank_, did_you_mean(label.text, known)));
  }

  std::string file_;
  GoalScanner scanner_;
  std::uint32_t rank_ = 0, ranks_ = 0;
  int last_line_ = 0;
  // Of this rank:
  SpillVector<Op> ops_;
  SpillVector<std::uint64_t> lines_;  // by op
  NameTable labels_;
  SpillVector<std::uint32_t> labelled_;  // position of the op, by label
  GoalEdges depends_on_, starts_after_;
};

}  // namespace

std::vector<std::shared_ptr<const OpGraph>> read_goal_text(const std::string& file) {
  return GoalParser(file).parse();
}

}  // namespace plait
