#include "moai/compiler/testing/deep_window.h"

#include <functional>
#include <vector>

namespace moai::compiler {
namespace {

class Text {
 public:
  explicit Text(const DeepWindow& d) : d_(d) {}

  std::string run() {
    forward();
    backward();
    d_.lists ? step_lists() : step_each();
    return out_;
  }

 private:
  static std::string s(int id) { return " s" + std::to_string(id); }
  static std::string f(int a, int b) {
    return "f32[" + std::to_string(a) + "," + std::to_string(b) + "]";
  }
  void line(const std::string& text) { out_ += text + "\n"; }
  void free(int id) { line("free" + s(id)); }
  int make() { return next_++; }
  int mm(int rows, int inner, int columns, const std::string& a, const std::string& b) {
    const int made = make();
    line("s" + std::to_string(made) + " = aten::mm(" + f(rows, inner) + a + ", " +
         f(inner, columns) + b + ") -> " + f(rows, columns));
    return made;
  }
  static std::string turned(int inner, int id) {
    return "{1," + std::to_string(inner) + "}" + s(id);
  }

  // Weights are 100 + 10 layer: w1, w2; the head's 90; momenta 1 and 2 after them.
  int weight(int layer, int which) const { return 1000 + 10 * layer + 3 * which; }

  void forward() {
    int h = 1;
    for (int i = 0; i < d_.layers; ++i) {
      inputs_.push_back(h);
      const int a = mm(d_.batch, d_.width, d_.hidden, s(h), turned(d_.width, weight(i, 0)));
      const int b = make();
      line("s" + std::to_string(b) + " = aten::relu(" + f(d_.batch, d_.hidden) + s(a) + ") -> " +
           f(d_.batch, d_.hidden));
      free(a);
      const int c = mm(d_.batch, d_.hidden, d_.width, s(b), turned(d_.hidden, weight(i, 1)));
      activations_.push_back(b);
      const int sum = make();
      line("s" + std::to_string(sum) + " = aten::add.Tensor(" + f(d_.batch, d_.width) + s(h) +
           ", " + f(d_.batch, d_.width) + s(c) + ", intword 1) -> " + f(d_.batch, d_.width));
      free(c);
      h = sum;
    }
    last_ = h;
    logits_ = mm(d_.batch, d_.width, d_.classes, s(h), turned(d_.width, 900));
  }

  void backward() {
    const std::string shape = f(d_.batch, d_.classes);
    const int one = make(), loss = make();
    line("alloc" + s(one) + " 4");
    line("aten::fill_.Scalar(f32[]!" + s(one) + ", word 1.0) -> _");
    line("s" + std::to_string(loss) + " = aten::mse_loss_backward(f32[]" + s(one) + ", " + shape +
         s(logits_) + ", " + shape + s(2) + ", 1) -> " + shape);
    free(one);
    free(logits_);
    head_ = mm(d_.classes, d_.batch, d_.width, turned(d_.classes, loss), s(last_));
    int g = mm(d_.batch, d_.classes, d_.width, s(loss), s(900));
    free(loss);
    if (d_.layers > 0) free(last_);
    gradients_.resize(static_cast<size_t>(d_.layers));
    for (int i = d_.layers - 1; i >= 0; --i) {
      const int b = activations_[static_cast<size_t>(i)];
      const int w2 = mm(d_.width, d_.batch, d_.hidden, turned(d_.width, g), s(b));
      const int db = mm(d_.batch, d_.width, d_.hidden, s(g), s(weight(i, 1)));
      const int da = make();
      const std::string wide = f(d_.batch, d_.hidden);
      line("s" + std::to_string(da) + " = aten::threshold_backward(" + wide + s(db) + ", " + wide +
           s(b) + ", intword 0) -> " + wide);
      free(db);
      free(b);
      const int w1 = mm(d_.hidden, d_.batch, d_.width, turned(d_.hidden, da),
                        s(inputs_[static_cast<size_t>(i)]));
      const int dh = mm(d_.batch, d_.hidden, d_.width, s(da), s(weight(i, 0)));
      free(da);
      const int sum = make();
      line("s" + std::to_string(sum) + " = aten::add.Tensor(" + f(d_.batch, d_.width) + s(g) +
           ", " + f(d_.batch, d_.width) + s(dh) + ", intword 1) -> " + f(d_.batch, d_.width));
      free(dh);
      free(g);
      if (i > 0) free(inputs_[static_cast<size_t>(i)]);
      gradients_[static_cast<size_t>(i)] = {w1, w2};
      g = sum;
    }
    free(g);
  }

  struct Trained {
    std::string shape;
    int weight = 0, gradient = 0;
  };
  std::vector<Trained> trained() const {
    std::vector<Trained> all;
    for (int i = 0; i < d_.layers; ++i) {
      const auto& g = gradients_[static_cast<size_t>(i)];
      all.push_back({f(d_.hidden, d_.width), weight(i, 0), g.first});
      all.push_back({f(d_.width, d_.hidden), weight(i, 1), g.second});
    }
    all.push_back({f(d_.classes, d_.width), 900, head_});
    return all;
  }

  void step_each() {
    for (const Trained& t : trained()) {
      line("aten::mul_.Scalar(" + t.shape + "!" + s(t.weight + 1) + ", word 0.9) -> _");
      line("aten::add_.Tensor(" + t.shape + "!" + s(t.weight + 1) + ", " + t.shape + s(t.gradient) +
           ", intword 1) -> _");
      line("aten::add_.Tensor(" + t.shape + "!" + s(t.weight) + ", " + t.shape + s(t.weight + 1) +
           ", word -0.1) -> _");
    }
  }

  static std::string list(const std::vector<Trained>& all,
                          const std::function<std::string(const Trained&)>& item) {
    std::string out = "(";
    for (const Trained& t : all) out += (out.size() > 1 ? ", " : "") + item(t);
    return out + ")";
  }
  void step_lists() {
    const std::vector<Trained> all = trained();
    const auto gradient = [](const Trained& t) { return t.shape + s(t.gradient); };
    const auto written = [](const Trained& t, int id) { return t.shape + "!" + s(id); };
    std::string norms, numbers, stacked;
    std::vector<int> made;
    for (size_t i = 0; i < all.size(); ++i) {
      made.push_back(make());
      norms += (i ? ", s" : "s") + std::to_string(made.back());
      numbers += i ? ", f32[]" : "f32[]";
      stacked += (i ? ", f32[]" : "f32[]") + s(made.back());
    }
    const std::string n = "f32[" + std::to_string(all.size()) + "]";
    const int stack = make(), norm = make();
    line(norms + " = aten::_foreach_norm.Scalar(" + list(all, gradient) + ", word 2.0, none) -> (" +
         numbers + ")");
    line("s" + std::to_string(stack) + " = aten::stack((" + stacked + "), 0) -> " + n);
    line("s" + std::to_string(norm) + " = aten::linalg_vector_norm(" + n + s(stack) +
         ", 2.0, none, false, none) -> f32[]");
    line("aten::_foreach_mul_.Tensor(" +
         list(all, [&](const Trained& t) { return written(t, t.gradient); }) + ", f32[]" + s(norm) +
         ")");
    for (const int id : made) free(id);
    free(stack);
    free(norm);
    const auto momenta = list(all, [&](const Trained& t) { return written(t, t.weight + 1); });
    line("aten::_foreach_mul_.Scalar(" + momenta + ", word 0.9)");
    line("aten::_foreach_add_.List(" + momenta + ", " + list(all, gradient) + ", intword 1)");
    line("aten::_foreach_add_.List(" +
         list(all, [&](const Trained& t) { return written(t, t.weight); }) + ", " +
         list(all, [](const Trained& t) { return t.shape + s(t.weight + 1); }) + ", word -0.1)");
  }

  const DeepWindow d_;
  std::string out_;
  int next_ = 5000, last_ = 0, logits_ = 0, head_ = 0;
  std::vector<int> inputs_, activations_;
  std::vector<std::pair<int, int>> gradients_;
};

}  // namespace

std::string deep_window(const DeepWindow& d) { return Text(d).run(); }

}  // namespace moai::compiler
