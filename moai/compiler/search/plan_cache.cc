#include "moai/compiler/search/plan_cache.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"

namespace moai::compiler {
namespace {

namespace filesystem = std::filesystem;

// Another number whenever prices or the choice of plans change: what was found before is then none.
constexpr std::string_view kFirstLine = "moai-plan 6";
constexpr std::string_view kEnding = ".plan";

uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string hexadecimal(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// Reads back as the same number.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string numbers(std::initializer_list<double> values) {
  std::string text;
  for (const double v : values) text += " " + exact(v);
  return text;
}

std::string plan_line(const CachedPlan& p) {
  return std::string("plan ") + (p.fits ? "1" : "0") +
         numbers({p.step_s, p.exchange_s, p.idle_s, p.memory_bytes, p.lower_bound_s}) + " " +
         to_string(p.degrees) + "\n";
}

// Words of a line, taken one after the other.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view next() {
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(std::min(rest_.size(), word.size() + 1));
    return word;
  }
  std::string_view rest() const { return rest_; }
  template <typename Number>
  bool number(Number* out) {
    const std::string_view word = next();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *out);
    return error == std::errc() && end == word.data() + word.size() && !word.empty();
  }

 private:
  std::string_view rest_;
};

bool parse_plan(Words words, CachedPlan* plan) {
  int fits = 0;
  const bool read = words.number(&fits) && words.number(&plan->step_s) &&
                    words.number(&plan->exchange_s) && words.number(&plan->idle_s) &&
                    words.number(&plan->memory_bytes) && words.number(&plan->lower_bound_s);
  const std::optional<Degrees> degrees = degrees_from_string(words.rest());
  if (!read || !degrees) return false;
  plan->fits = fits != 0;
  plan->degrees = *degrees;
  return true;
}

bool parse_line(std::string_view line, CachedSearch* out) {
  Words words(line);
  const std::string_view first = words.next();
  if (first == "plan") return parse_plan(words, &out->plans.emplace_back());
  if (first == "like") {
    if (!words.number(&out->elements) || !words.number(&out->rows)) return false;
    out->family = words.rest();
    return true;
  }
  return first == "search" && words.number(&out->lower_bound_s) && words.number(&out->candidates) &&
         words.number(&out->priced) && words.rest().empty();
}

std::string_view take_line(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(text->size(), line.size() + 1));
  return line;
}

std::string print(const std::string& key, const CachedSearch& s) {
  std::string text = std::string(kFirstLine) + "\nkey " + key + "\nsearch" +
                     numbers({s.lower_bound_s}) + " " + std::to_string(s.candidates) + " " +
                     std::to_string(s.priced) + "\nlike" + numbers({s.elements}) + " " +
                     std::to_string(s.rows) + " " + s.family + "\n";
  for (const CachedPlan& p : s.plans) text += plan_line(p);
  return text + "end " + hexadecimal(hash_of(text)) + "\n";
}

// Under whatever key where none is given.
std::optional<CachedSearch> parse(std::string_view text, const std::string* key) {
  const size_t end = text.rfind("end ");
  if (end == std::string_view::npos) return std::nullopt;
  if (text.substr(end) != "end " + hexadecimal(hash_of(text.substr(0, end))) + "\n") {
    return std::nullopt;
  }
  std::string_view rest = text.substr(0, end);
  if (take_line(&rest) != kFirstLine) return std::nullopt;
  const std::string_view its = take_line(&rest);
  if (key ? its != "key " + *key : !its.starts_with("key ")) return std::nullopt;
  CachedSearch found;
  while (!rest.empty()) {
    if (!parse_line(take_line(&rest), &found)) return std::nullopt;
  }
  if (found.plans.empty()) return std::nullopt;
  return found;
}

}  // namespace

std::string plan_key(uint64_t form, const cluster::Cluster& cluster, const Pins& pins,
                     std::string_view more) {
  std::string key = "form " + hexadecimal(form) + " cluster " +
                    hexadecimal(hash_of(cluster::to_toml(cluster))) + " devices " +
                    std::to_string(cluster.devices()) + " pins " + to_string(pins) + " " +
                    std::string(more);
  std::ranges::replace(key, '\n', ' ');
  return key;
}

std::string PlanCache::path(const std::string& key) const {
  return folder_ + "/" + hexadecimal(hash_of(key)) + std::string(kEnding);
}

std::optional<CachedSearch> PlanCache::find(const std::string& key) const {
  const auto text = read_file(path(key));
  return text.ok() ? parse(*text, &key) : std::nullopt;
}

std::optional<CachedSearch> PlanCache::nearest(const std::string& family, double elements) const {
  std::optional<CachedSearch> best;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [time, path] : files()) {
    const auto text = read_file(path);
    auto search = text.ok() ? parse(*text, nullptr) : std::nullopt;
    if (!search || search->family != family) continue;
    const double distance = std::abs(std::log2(search->elements / elements));
    if (!(distance < least)) continue;
    least = distance;
    best = std::move(search);
  }
  return best;
}

Status PlanCache::keep(const std::string& key, const CachedSearch& search) const {
  std::error_code error;
  filesystem::create_directories(folder_, error);
  if (error) return unavailable("[search.cache] cannot make " + folder_ + ": " + error.message());
  MOAI_RETURN_IF_ERROR(write_file(path(key), print(key, search)));
  drop_oldest();
  return ok_status();
}

// What cannot be looked at is as none.
std::vector<std::pair<filesystem::file_time_type, std::string>> PlanCache::files() const {
  std::vector<std::pair<filesystem::file_time_type, std::string>> plans;
  std::error_code error;
  for (filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() != kEnding) continue;
    std::error_code gone;
    const filesystem::file_time_type time = filesystem::last_write_time(at->path(), gone);
    if (!gone) plans.emplace_back(time, at->path().string());
  }
  return plans;
}

// What cannot be removed stays: it harms nobody.
void PlanCache::drop_oldest() const {
  auto plans = files();
  if (plans.size() <= kPlansMax) return;
  std::ranges::sort(plans);
  std::error_code error;
  for (size_t i = 0; i + kPlansMax < plans.size(); ++i) filesystem::remove(plans[i].second, error);
}

}  // namespace moai::compiler
