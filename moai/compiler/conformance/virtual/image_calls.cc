#include "moai/compiler/conformance/virtual/image_calls.h"

#include <initializer_list>

namespace moai::compiler {
namespace {

struct Image {
  int n, c, o, side, kernel, stride;
  int padding() const { return kernel / 2; }
  int out_side() const { return (side + 2 * padding() - kernel) / stride + 1; }
};

// Images, channels, features, side, filter, stride.
constexpr Image kImages[] = {
    {4, 3, 16, 64, 3, 1},    {16, 3, 32, 32, 3, 1},   {32, 3, 32, 32, 3, 1},
    {8, 3, 64, 32, 3, 1},    {32, 3, 64, 32, 3, 1},   {4, 3, 64, 64, 7, 2},
    {16, 3, 64, 64, 7, 2},   {16, 3, 32, 32, 5, 1},   {8, 16, 16, 32, 3, 1},
    {32, 16, 16, 32, 3, 1},  {8, 16, 32, 16, 3, 1},   {32, 32, 32, 16, 3, 1},
    {8, 32, 64, 32, 3, 1},   {16, 32, 64, 16, 3, 1},  {32, 32, 64, 8, 3, 1},
    {4, 64, 64, 16, 3, 1},   {16, 64, 64, 16, 3, 1},  {32, 64, 64, 8, 3, 1},
    {8, 64, 128, 16, 3, 1},  {16, 64, 128, 8, 3, 1},  {8, 128, 128, 8, 3, 1},
    {32, 128, 128, 4, 3, 1}, {4, 128, 256, 8, 3, 1},  {16, 16, 32, 32, 3, 2},
    {16, 32, 64, 16, 3, 2},  {16, 64, 128, 16, 3, 2}, {16, 16, 32, 16, 5, 1},
    {8, 32, 64, 16, 5, 1},   {8, 16, 64, 32, 1, 1},   {32, 64, 64, 16, 1, 1},
    {16, 64, 256, 8, 1, 1},  {16, 64, 128, 16, 1, 2}};

constexpr Image kPooled[] = {{16, 32, 0, 32, 2, 2}, {8, 64, 0, 16, 2, 2}, {8, 64, 0, 32, 3, 2}};

std::string text(std::initializer_list<int> sizes) {
  std::string out = "f32[";
  for (const int n : sizes) out += (out.back() == '[' ? "" : ",") + std::to_string(n);
  return out + "]";
}
std::string pair(int n) { return "[" + std::to_string(n) + "," + std::to_string(n) + "]"; }

void add(const Image& i, std::vector<std::string>* calls) {
  const std::string x = text({i.n, i.c, i.side, i.side}), w = text({i.o, i.c, i.kernel, i.kernel});
  const std::string y = text({i.n, i.o, i.out_side(), i.out_side()}), b = text({i.o});
  const std::string how =
      ", " + pair(i.stride) + ", " + pair(i.padding()) + ", [1,1], false, [0,0], 1";
  const std::string operands = y + " s1, " + x + " s2, " + w + " s3, ";
  calls->push_back("s4 = aten::convolution(" + x + " s1, " + w + " s2, " + b + " s3" + how +
                   ") -> " + y);
  // Of the first layer nobody needs the input's gradient.
  if (i.c == 3) {
    calls->push_back("s4 = aten::convolution_backward(" + operands + "[0]" + how +
                     ", bools[false,true,false]) -> undefined, " + w + ", undefined");
  } else {
    calls->push_back("s4, s5, s6 = aten::convolution_backward(" + operands + "[" +
                     std::to_string(i.o) + "]" + how + ", bools[true,true,true]) -> " + x + ", " +
                     w + ", " + b);
  }
}

// Its largest element of each part of an image, and their gradient; `i.o` has no meaning.
void add_pooling(const Image& i, std::vector<std::string>* calls) {
  const int padding = i.kernel % 2, side = (i.side + 2 * padding - i.kernel) / i.stride + 1;
  const std::string x = text({i.n, i.c, i.side, i.side}), y = text({i.n, i.c, side, side});
  const std::string where = "i64" + y.substr(y.find('['));
  const std::string how =
      ", " + pair(i.kernel) + ", " + pair(i.stride) + ", " + pair(padding) + ", [1,1], false";
  calls->push_back("s2, s3 = aten::max_pool2d_with_indices(" + x + " s1" + how + ") -> " + y +
                   ", " + where);
  calls->push_back("s4 = aten::max_pool2d_with_indices_backward(" + y + " s1, " + x + " s2" + how +
                   ", " + where + " s3) -> " + x);
}

}  // namespace

std::vector<std::string> image_calls() {
  std::vector<std::string> calls;
  for (const Image& i : kImages) add(i, &calls);
  for (const Image& i : kPooled) add_pooling(i, &calls);
  return calls;
}

}  // namespace moai::compiler
