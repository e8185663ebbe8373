#include "moai/driver/rehearsal/rehearsal.h"

#include <gmock/gmock.h>

#include "moai/base/file.h"
#include "moai/base/testing/temporary_directory.h"

namespace moai::driver {
namespace {

using testing::HasSubstr;
using testing::Not;

class RehearsalTest : public testing::Test {
 protected:
  RehearsalTest() {
    options_.rehearsal_path = folder_.path() + "/recording.txt";
    options_.rehearsal_steps = 2;
    options_.line_text = [](LineId line) { return "train.py:" + std::to_string(line); };
  }
  static SignatureId relu(Driver* driver) {
    return driver->signatures().intern(
        ops::call_signature_from_string("aten::relu(f32[2]) -> f32[2]").value());
  }
  std::string file() {
    const auto text = read_file(options_.rehearsal_path);
    return text.ok() ? *text : text.status().to_string();
  }

  TemporaryDirectory folder_;
  DriverOptions options_;
};

TEST_F(RehearsalTest, WritesWhatWasRecordedWhenTheStepsHaveEnded) {
  const auto driver = Driver::create(options_);
  const StorageId first = driver->next_storage(3);
  EXPECT_EQ(driver->upload(first, 8, 0, "12345678", true), ok_status());
  const std::vector<StorageId> storages{first, first + 1};
  EXPECT_EQ(driver->append(relu(driver.get()), storages, {}, 12), ok_status());
  driver->step_end();
  EXPECT_FALSE(dynamic_cast<Rehearsal&>(*driver).complete());
  driver->free(first + 1);
  EXPECT_THAT(file(), HasSubstr("NOT_FOUND"));
  driver->step_end();
  EXPECT_TRUE(dynamic_cast<Rehearsal&>(*driver).complete());
  EXPECT_EQ(file(),
            "line 12 train.py:12\nupload s1 8 0 8\ns2 = aten::relu(f32[2] s1) -> f32[2]    @12\n"
            "step\nfree s2\n");
  driver->free(first);
  EXPECT_EQ(driver->shutdown(false, {}), ok_status());
  EXPECT_THAT(file(), Not(HasSubstr("free s1\n"))) << "what comes after is dropped";
}

TEST_F(RehearsalTest, AScriptWithoutOptimizerIsWrittenAtItsEnd) {
  const auto driver = Driver::create(options_);
  driver->alloc(1, 64);
  EXPECT_EQ(driver->shutdown(false, {}), ok_status());
  EXPECT_EQ(file(), "alloc s1 64\n");
}

TEST_F(RehearsalTest, ReadsAreZeros) {
  const auto driver = Driver::create(options_);
  char out[4] = {1, 2, 3, 4};
  const Driver::ReadInto range{1, 0, 4, out};
  EXPECT_EQ(driver->read({&range, 1}, {}), ok_status());
  EXPECT_EQ(std::string(out, 4), std::string(4, '\0'));
  EXPECT_EQ(driver->finish_read(driver->start_read(range), range, {}), ok_status());
}

TEST_F(RehearsalTest, AShapeThatDependsOnValuesIsRefusedWithOperatorAndLine) {
  const auto driver = Driver::create(options_);
  const auto asked = driver->ask(relu(driver.get()), {}, {}, 2, 1, 7, {});
  EXPECT_EQ(asked.status().code(), Code::kUnimplemented);
  EXPECT_THAT(asked.status().message(), HasSubstr("aten::relu"));
  EXPECT_THAT(asked.status().message(), HasSubstr("train.py:7"));
}

TEST_F(RehearsalTest, AMaskSelectsNothing) {
  const auto driver = Driver::create(options_);
  const SignatureId signature = driver->signatures().intern(
      ops::call_signature_from_string("aten::nonzero(f32[2]) -> _").value());
  const auto asked = driver->ask(signature, {}, {}, 2, 1, 7, {});
  ASSERT_TRUE(asked.ok()) << asked.status().to_string();
  EXPECT_EQ((*asked)[0].geometry.sizes, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ((*asked)[0].storage, 0u);
}

TEST_F(RehearsalTest, CountsAreRecordedAsStorages) {
  const auto driver = Driver::create(options_);
  const SignatureId signature = driver->signatures().intern(
      ops::call_signature_from_string("aten::histc(f32[2], 4, 0, 3) -> _").value());
  const auto asked = driver->ask(signature, {}, {}, 5, 1, 7, {});
  ASSERT_TRUE(asked.ok()) << asked.status().to_string();
  EXPECT_EQ((*asked)[0].storage, 5u);
  EXPECT_EQ((*asked)[0].storage_bytes, 16u);
  EXPECT_EQ(driver->describe_windows(), "alloc s5 16\n");
}

TEST_F(RehearsalTest, AFileThatCannotBeWrittenIsToldAtTheEnd) {
  options_.rehearsal_path = folder_.path() + "/none/recording.txt";
  const auto driver = Driver::create(options_);
  EXPECT_THAT(driver->shutdown(false, {}).message(), HasSubstr("none/recording.txt"));
}

}  // namespace
}  // namespace moai::driver
