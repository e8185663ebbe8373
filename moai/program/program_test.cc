#include "moai/program/program.h"

#include <gtest/gtest.h>

#include "moai/program/place_coder.h"

namespace moai::program {
namespace {

using graph::NodeKind;

// A program of a window's nodes, as lowering for one device makes it.
Program streamed(std::string_view text, graph::SignatureTable* signatures) {
  auto w = graph::parse(text, signatures);
  EXPECT_TRUE(w.ok()) << w.status().to_string();
  Program p;
  for (const graph::Node& n : w->nodes) {
    p.instructions.push_back({.kind = n.kind,
                              .signature = n.signature,
                              .places_begin = n.storages_begin,
                              .places_count = n.storages_count,
                              .words_begin = n.words_begin,
                              .words_count = n.words_count});
  }
  p.places = w->storages;
  p.words = w->words;
  return p;
}

constexpr const char* kText =
    "alloc s1000 4096\n"
    "s1001 = aten::add.Tensor(f32[2,3] s1000, f32[2,3] s8, word 1.0) -> f32[2,3]\n"
    "resize s1000 8192\n"
    "free s1000\n";

Program small_template(graph::SignatureTable* signatures) {
  Program p = streamed("alloc s0 1\ns2 = aten::add(f32[2] s0, f32[2] s1, word 1.0) -> f32[2]\n",
                       signatures);
  p.is_template = true;
  p.slot_count = 3;
  p.words.clear();
  return p;
}

std::string encoded(const Program& p) {
  std::string bytes;
  Writer out(&bytes);
  encode(p, &out);
  return bytes;
}

void expect_round_trip(const Program& p) {
  const std::string bytes = encoded(p);
  Reader in(bytes);
  const Program back = decode_program(&in);
  EXPECT_TRUE(in.done());
  EXPECT_EQ(back, p);
  for (size_t n = 0; n < bytes.size(); ++n) {
    Reader part(std::string_view(bytes).substr(0, n));
    (void)decode_program(&part);
    EXPECT_FALSE(part.ok()) << n;
  }
}

TEST(Program, StreamedProgramsVerifyPrintAndRoundTrip) {
  graph::SignatureTable signatures;
  const Program p = streamed(kText, &signatures);
  EXPECT_TRUE(verify(p, signatures).ok()) << verify(p, signatures).to_string();
  EXPECT_EQ(print(p, signatures), kText);
  expect_round_trip(p);
}

TEST(Program, TemplatesVerifyPrintAndRoundTrip) {
  graph::SignatureTable signatures;
  const Program p = small_template(&signatures);
  EXPECT_TRUE(verify(p, signatures).ok()) << verify(p, signatures).to_string();
  EXPECT_EQ(print(p, signatures),
            "template 3 slots\nalloc %0\n%2 = aten::add(f32[2] %0, f32[2] %1, word) -> f32[2]\n");
  expect_round_trip(p);
}

TEST(Program, AnInstructionIsAFewBytes) {
  graph::SignatureTable signatures;
  std::string text;
  for (int i = 1; i <= 100; ++i) {
    text += "s" + std::to_string(100000 + i) + " = aten::relu(f32[2] s" +
            std::to_string(99999 + i) + ") -> f32[2]\n";
  }
  EXPECT_LT(encoded(streamed(text, &signatures)).size(), 100 * 4 + 16u);
}

TEST(Program, ManyPlacesAndWordsRoundTrip) {
  Program p;
  p.places.assign(40, 7);
  p.words.assign(50, 3);
  p.instructions = {{.places_count = 15, .words_count = 2},
                    {.places_begin = 15, .places_count = 25, .words_begin = 2, .words_count = 48}};
  expect_round_trip(p);
}

TEST(Program, PlacesCodeBackAcrossTheWholeRange) {
  PlaceCoder to;
  PlaceCoder from;
  for (uint64_t place : {uint64_t{0}, uint64_t{1}, uint64_t{500}, uint64_t{501}, uint64_t{3},
                         ~uint64_t{0}, uint64_t{0}, uint64_t{1} << 63}) {
    EXPECT_EQ(from.place(to.code(place)), place);
  }
  PlaceCoder fresh;
  (void)fresh.code(41);
  EXPECT_EQ(fresh.code(42), 0u);
}

TEST(Program, VerifyRefusesWhatSignaturesDoNotTake) {
  graph::SignatureTable signatures;
  const Program good = streamed(kText, &signatures);
  const auto refused = [&](auto change) {
    Program p = good;
    change(&p);
    return !verify(p, signatures).ok();
  };
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].signature = 9; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].places_count = 2; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].words_count = 0; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].words_begin = 4; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].places_begin = 9; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[0].words_count = 0; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[0].kind = static_cast<NodeKind>(4); }));
}

TEST(Program, VerifyRefusesSparseSlots) {
  graph::SignatureTable signatures;
  const Program good = small_template(&signatures);
  const auto refused = [&](auto change) {
    Program p = good;
    change(&p);
    return !verify(p, signatures).ok();
  };
  EXPECT_TRUE(refused([](Program* p) { p->places[0] = 1; }));
  EXPECT_TRUE(refused([](Program* p) { p->slot_count = 4; }));
  EXPECT_TRUE(refused([](Program* p) { p->words = {1}; }));
  EXPECT_TRUE(refused([](Program* p) { p->instructions[1].words_begin = 0; }));
  EXPECT_TRUE(refused([](Program* p) {
    p->instructions[0].kind = NodeKind::kFree;
    p->instructions[0].words_count = 0;
  }));
}

TEST(Program, DecodeBoundsInstructions) {
  Program p;
  p.instructions.resize(11);
  const std::string bytes = encoded(p);
  Reader good(bytes);
  (void)decode_program(&good, 11);
  EXPECT_TRUE(good.ok());
  Reader over(bytes);
  (void)decode_program(&over, 10);
  EXPECT_FALSE(over.ok());
}

}  // namespace
}  // namespace moai::program
