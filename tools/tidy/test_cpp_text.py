"""C++ as tidy reads it."""

from tools.tidy.cpp_text import functions, without_comments


def names(text):
    return [(function.name, function.lines) for function in functions(text)]


def test_comments_and_literals_are_blanked_in_place():
    text = 'a("b // c");  // d\n/* e\nf */ g(\'"\');\n'
    plain = without_comments(text)
    assert plain.count("\n") == text.count("\n") and len(plain) == len(text)
    assert [word for word in "bcdef" if word in plain] == []
    assert "a(" in plain and "g(" in plain


def test_raw_strings_are_literals():
    assert "x" not in without_comments('auto a = R"({ x )" ;')


def test_digit_separators_are_no_literals():
    assert names("int f() {\n  return 10'000;\n}\nint g() {\n  return 1'0;\n}\n") == [
        ("f", 3), ("g", 3)]


def test_functions_of_every_form():
    text = """namespace a {
class B : public C {
 public:
  explicit B(int x) : x_(x), y_{x} {
    run();
  }
  int get() const override { return x_; }
};
template <class T>
std::vector<T> make(
    const T& one,
    const T& other) {
  if (one == other) {
    return {};
  }
  return {one, other};
}
const int kTable[] = {1, 2};
}  // namespace a
"""
    assert names(text) == [("B", 3), ("get", 1), ("make", 9)]


def test_a_default_argument_in_braces_ends_no_function():
    assert [lines for _, lines in names("void f(A a = {}) {\n  g();\n}\n")] == [3]


def test_lambdas_count_as_functions():
    assert [lines for _, lines in names("void f() {\n  run([](int a) {\n  });\n}\n")] == [4, 2]
