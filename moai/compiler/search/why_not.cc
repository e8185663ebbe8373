#include "moai/compiler/search/why_not.h"

#include <cstdio>

namespace moai::compiler {
namespace {

std::string text(const char* format, double a, double b = 0) {
  char out[160];
  std::snprintf(out, sizeof out, format, a, b);
  return out;
}

}  // namespace

std::string memory_text(double bytes, double limit) {
  return text("%.1f GB of %.1f", bytes / 1e9, limit / 1e9);
}

std::string why_not(const FoundPlan& p, const FoundPlan& best, double limit) {
  if (!p.fits) return "needs " + memory_text(p.price.memory_bytes, limit);
  const double exchange = p.price.exchange_s - best.price.exchange_s;
  const double idle = p.price.idle_s - best.price.idle_s;
  const double rest = p.price.step_s - best.price.step_s - exchange - idle;
  std::string why = text("%+.1f %% of a step", 100 * (p.price.step_s / best.price.step_s - 1)) +
                    text(": exchanges %+.2f ms", 1e3 * exchange);
  if (idle != 0) why += text(", waiting for stages %+.2f ms", 1e3 * idle);
  return why + text(", the rest %+.2f ms", 1e3 * rest);
}

}  // namespace moai::compiler
