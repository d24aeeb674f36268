// SPDX-License-Identifier: Apache-2.0
#include "workloads/simai/layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <string_view>
#include <utility>

#include "sim/error.hpp"

namespace plait {

namespace {

constexpr std::size_t kLongestLine = 1 << 16;

struct Word {
  std::string text;
  int column = 1;
};

const std::vector<std::pair<std::string, SimaiPolicy>> kPolicies{
    {"HYBRID_TRANSFORMER_FWD_IN_BCKWD", SimaiPolicy::kTransformer},
    {"HYBRID_TRANSFORMER", SimaiPolicy::kTransformer},
    {"DATA", SimaiPolicy::kData},
    {"MICRO", SimaiPolicy::kMicro},
};

const std::vector<std::pair<std::string, CollectiveKind>> kKinds{
    {"ALLREDUCE", CollectiveKind::kAllReduce},         {"ALLGATHER", CollectiveKind::kAllGather},
    {"REDUCESCATTER", CollectiveKind::kReduceScatter}, {"ALLTOALL", CollectiveKind::kAllToAll},
    {"BROADCAST", CollectiveKind::kBroadcast},
};

const std::vector<std::pair<std::string, SimaiGroup>> kSuffixes{
    {"_TP", SimaiGroup::kTensor},
    {"_DP_EP", SimaiGroup::kDataExpert},
    {"_EP", SimaiGroup::kExpert},
    {"_DP", SimaiGroup::kData},
};

template <class Pairs>
std::vector<std::string> names_of(const Pairs& pairs) {
  std::vector<std::string> names;
  for (const auto& pair : pairs) names.push_back(pair.first);
  return names;
}

std::vector<Word> split(const std::string& line) {
  std::vector<Word> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r", at)) != std::string::npos) {
    const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    words.push_back({line.substr(at, end - at), static_cast<int>(at) + 1});
    at = end;
  }
  return words;
}

class SimaiParser {
 public:
  explicit SimaiParser(const std::string& file) : file_(file), in_(file) {
    if (!in_) throw UserError(fmt::format("{}: cannot be opened", file));
  }

  SimaiText parse() {
    read_header(next_line("the header"));
    const std::vector<Word> count = next_line("the number of layers");
    if (count.size() != 1)
      fail(count[0],
           fmt::format("expected the number of layers alone, found {} words", count.size()));
    const auto layers =
        static_cast<std::size_t>(number(count[0], "the number of layers", 1'000'000'000));
    if (layers == 0) fail(count[0], "a workload has at least 1 layer");
    while (text_.layers.size() < layers)
      read_layer(next_line(fmt::format("layer {} of {}", text_.layers.size() + 1, layers)));
    for (std::string line; read_line(line);)
      if (const auto words = split(line); !words.empty())
        fail(words[0], fmt::format("more lines than the {} layers that line 2 tells of", layers));
    mark_checkpoints();
    return std::move(text_);
  }

 private:
  bool read_line(std::string& line) {
    if (!std::getline(in_, line)) return false;
    ++line_;
    if (line.size() > kLongestLine)
      fail({"", 1}, fmt::format("a line of more than {} characters; is this a workload text?",
                                kLongestLine));
    return true;
  }

  /// The words of the next line that is not blank. @param what for the message if there is none.
  std::vector<Word> next_line(const std::string& what) {
    for (std::string line; read_line(line);)
      if (auto words = split(line); !words.empty()) return words;
    ++line_;
    fail({"", 0}, fmt::format("the file ends where {} is due (truncated?)", what));
  }

  [[noreturn]] void fail(const Word& at, const std::string& message) const {
    throw UserError(SourceLocation{file_, line_, at.column}, message);
  }

  std::int64_t number(const Word& word, std::string_view what, std::int64_t most) const {
    std::int64_t value = 0;
    const char* end = word.text.data() + word.text.size();
    const auto [stop, error] = std::from_chars(word.text.data(), end, value);
    // Sizes that were computed come as "8388608.0".
    const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
    const bool whole = rest.empty() || (rest.size() > 1 && rest[0] == '.' &&
                                        rest.find_first_not_of('0', 1) == std::string_view::npos);
    if (error != std::errc() || !whole || value < 0 || value > most)
      fail(word,
           fmt::format("{} is '{}'; legal: whole numbers from 0 to {}", what, word.text, most));
    return value;
  }

  void read_header(const std::vector<Word>& words) {
    const auto policy = std::find_if(kPolicies.begin(), kPolicies.end(),
                                     [&](const auto& p) { return p.first == words[0].text; });
    if (policy == kPolicies.end())
      fail(words[0], fmt::format("unknown parallelism '{}'{}; legal: {}", words[0].text,
                                 did_you_mean(words[0].text, names_of(kPolicies)),
                                 fmt::join(names_of(kPolicies), ", ")));
    text_.policy = policy->second;
    for (std::size_t i = 1; i < words.size();) i = read_key(words, i);
  }

  /// @return the place of the next key.
  std::size_t read_key(const std::vector<Word>& words, std::size_t i) {
    const std::vector<std::pair<std::string, std::uint32_t*>> sizes{
        {"model_parallel_NPU_group:", &text_.tensor},
        {"ep:", &text_.expert},
        {"pp:", &text_.pipeline},
        {"all_gpus:", &text_.all_ranks},
    };
    // What is unrolled in the lines (ga, vpp), and pipeline traffic, which the text has not.
    const std::vector<std::string> unused{"vpp:", "ga:", "pp_comm:", "pp_comm"};
    const std::string& key = words[i].text;
    if (i + 1 == words.size()) fail(words[i], fmt::format("'{}' without a value", key));
    const Word& value = words[i + 1];
    for (const auto& [name, target] : sizes)
      if (key == name) {
        constexpr std::int64_t kMostRanks = 1 << 20;
        *target = static_cast<std::uint32_t>(number(value, key, kMostRanks));
        if (*target == 0) fail(value, fmt::format("{} must be at least 1", key));
        return i + 2;
      }
    if (key == "checkpoints:") return read_list(words, i, checkpoints_);
    if (key == "checkpoint_initiates:") return read_list(words, i, recomputes_);
    if (std::find(unused.begin(), unused.end(), key) != unused.end()) {
      number(value, key, INT64_MAX);
      return i + 2;
    }
    std::vector<std::string> known = names_of(sizes);
    known.insert(known.end(), unused.begin(), unused.end());
    known.insert(known.end(), {"checkpoints:", "checkpoint_initiates:"});
    fail(words[i], fmt::format("unknown key '{}'{}; legal: {}", key, did_you_mean(key, known),
                               fmt::join(known, " ")));
  }

  std::size_t read_list(const std::vector<Word>& words, std::size_t i,
                        std::vector<std::pair<Word, std::size_t>>& list) {
    const auto count = static_cast<std::size_t>(number(words[i + 1], words[i].text, INT32_MAX));
    if (count > words.size() - i - 2)
      fail(words[i + 1], fmt::format("{} {} layers, but {} words follow", words[i].text, count,
                                     words.size() - i - 2));
    for (std::size_t k = 0; k < count; ++k) {
      const Word& word = words[i + 2 + k];
      list.emplace_back(word, static_cast<std::size_t>(number(word, "a layer", INT32_MAX)));
    }
    return i + 2 + count;
  }

  void mark_checkpoints() {
    line_ = 1;
    for (const auto& [word, layer] : checkpoints_) at(word, layer).checkpoint = true;
    for (const auto& [word, layer] : recomputes_) {
      at(word, layer).recomputes = true;
      std::size_t first = layer;
      while (first > 0 && !text_.layers[first].checkpoint) --first;
      if (!text_.layers[first].checkpoint)
        fail(word, fmt::format("layer {} is to be recomputed from a checkpoint, but none is before "
                               "it",
                               layer));
    }
  }

  SimaiLayer& at(const Word& word, std::size_t layer) {
    if (layer >= text_.layers.size())
      fail(word, fmt::format("layer {} does not exist, there are layers 0 to {}", layer,
                             text_.layers.size() - 1));
    return text_.layers[layer];
  }

  void read_layer(const std::vector<Word>& words) {
    constexpr std::size_t kColumns = 12;
    if (words.size() != kColumns)
      fail(words[0], fmt::format("a layer has {} columns, this line {}: name, dependency, then "
                                 "compute time, collective and size of the forward pass, the input "
                                 "gradient and the weight gradient, and the update time",
                                 kColumns, words.size()));
    SimaiLayer layer;
    layer.name = text_.names.number_of(words[0].text);
    layer.line = line_;
    for (std::size_t phase = 0; phase < 3; ++phase) {
      const std::size_t first = 2 + 3 * phase;
      layer.phases[phase].compute = time(words[first]);
      const std::int64_t size = number(words[first + 2], "the size", std::int64_t{1} << 60);
      layer.phases[phase].collective = collective(words[first + 1], phase, Bytes(size));
    }
    layer.update = time(words[kColumns - 1]);
    text_.layers.push_back(std::move(layer));
  }

  Duration time(const Word& word) const {
    constexpr std::int64_t kMostNanoseconds = 1'000'000'000'000'000;  // 11 days
    return Duration::ns(number(word, "a time in ns", kMostNanoseconds));
  }

  /// SimAI moves nothing for NONE, whatever size stands beside it, and for a size of 0.
  std::optional<SimaiCollective> collective(const Word& word, std::size_t phase, Bytes size) const {
    if (word.text == "NONE") return std::nullopt;
    for (const auto& [name, kind] : kKinds) {
      if (!word.text.starts_with(name)) continue;
      const std::string suffix = word.text.substr(name.size());
      SimaiCollective result{
          kind, phase == kSimaiWeightGradient ? SimaiGroup::kData : SimaiGroup::kTensor, size};
      const auto found = std::find_if(kSuffixes.begin(), kSuffixes.end(),
                                      [&](const auto& s) { return s.first == suffix; });
      if (found != kSuffixes.end())
        result.group = found->second;
      else if (!suffix.empty())
        continue;
      return size == Bytes{} ? std::nullopt : std::optional(result);
    }
    fail(word,
         fmt::format("unknown collective '{}'{}; legal: NONE, or {}, each alone or with {}",
                     word.text, did_you_mean(word.text, names_of(kKinds)),
                     fmt::join(names_of(kKinds), ", "), fmt::join(names_of(kSuffixes), ", ")));
  }

  std::string file_;
  std::ifstream in_;
  int line_ = 0;
  SimaiText text_;
  std::vector<std::pair<Word, std::size_t>> checkpoints_, recomputes_;
};

}  // namespace

bool is_simai(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  char c = 0;
  while (word.size() < 64 && in.get(c) && (std::isupper(static_cast<unsigned char>(c)) || c == '_'))
    word += c;
  const std::vector<std::string> known = names_of(kPolicies);
  return std::find(known.begin(), known.end(), word) != known.end() && (!in || std::isspace(c));
}

SimaiText read_simai_text(const std::string& file) { return SimaiParser(file).parse(); }

}  // namespace plait
