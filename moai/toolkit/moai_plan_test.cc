#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "moai/base/file.h"
#include "moai/base/process.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;
using testing::Not;

// In place of Python a shell that leaves a recording behind, or does what a test wants.
class PlanTest : public testing::Test, protected CommandRun {
 protected:
  PlanTest() {
    python("cp " + std::string(MOAI_SOURCE) +
           "/tests/golden/windows/${MODEL:-gpt}.txt $MOAI_REHEARSAL");
    write("train.py", "");
  }
  ~PlanTest() override { ::unsetenv("MOAI_CLUSTER"); }

  void write(const std::string& name, const std::string& text, unsigned mode = 0644) {
    ASSERT_EQ(write_file(path(name), text, {.mode = mode}), ok_status());
  }
  void python(const std::string& line) { write("python", "#!/bin/bash\n" + line + "\n", 0755); }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  int plan(std::vector<std::string> options, std::vector<std::string> script = {"train.py"}) {
    std::vector<std::string> all{"plan", "--python", path("python")};
    all.insert(all.end(), options.begin(), options.end());
    if (!script.empty()) script[0] = path(script[0]);
    all.insert(all.end(), script.begin(), script.end());
    return run(moai_command, all);
  }
  int plan_on(const std::string& devices, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"--cluster", cluster_ + ":" + devices});
    return plan(std::move(options));
  }

  TemporaryDirectory folder_;
  const std::string cluster_ = std::string(MOAI_SOURCE) + "/clusters/a100-80-dgx.toml";
};

TEST_F(PlanTest, SaysHowTheScriptWouldTrain) {
  EXPECT_EQ(plan_on("2"), 0) << err;
  EXPECT_THAT(out, HasSubstr("on 2 devices of a100-80-dgx (NVIDIA A100-SXM4-80GB)\n"));
  EXPECT_THAT(out, HasSubstr("dp "));
  for (const char* part : {"forward ", "backward ", "optimizer ", "collectives ", "bound by ",
                           "Memory of a device", "of 79.2 GiB a device", "The next of "}) {
    EXPECT_THAT(out, HasSubstr(part));
  }
  EXPECT_THAT(out, Not(HasSubstr("Operators without a rule")));
}

TEST_F(PlanTest, KeysOfJsonAreStable) {
  EXPECT_EQ(plan_on("6", {"--json"}), 0) << err;
  const Json j = json();
  for (const char* key :
       {"step_s", "memory_bytes_max", "mfu", "plan", "search_s", "capture_s", "candidates",
        "lower_bound_s", "alternatives", "waterfall", "unsupported"}) {
    EXPECT_TRUE(j.contains(key)) << key;
  }
  for (const char* key :
       {"dp", "tp", "pp", "cp", "ep", "zero", "microbatches", "recompute", "schedule", "stages"}) {
    EXPECT_TRUE(j["plan"].contains(key)) << key;
  }
  const int stages = j["plan"]["pp"];
  EXPECT_EQ(j["plan"]["dp"].get<int>() * j["plan"]["tp"].get<int>() * stages, 6);
  EXPECT_EQ(j["plan"]["stages"].size(), stages > 1 ? static_cast<size_t>(stages) : 0u);
  double parts = 0;
  for (const auto& [name, seconds] : j["waterfall"].items()) parts += seconds.get<double>();
  EXPECT_NEAR(parts, j["step_s"].get<double>(), 1e-9);
  uint64_t bytes = 0;
  for (const auto& [name, part] : j["memory"].items()) bytes += part.get<uint64_t>();
  EXPECT_EQ(bytes, j["memory_bytes_max"].get<uint64_t>());
  EXPECT_GE(j["step_s"].get<double>(), j["lower_bound_s"].get<double>());
  EXPECT_EQ(j["alternatives"].size(), 5u);
  EXPECT_FALSE(j["alternatives"][0]["why_not"].get<std::string>().empty());
}

TEST_F(PlanTest, WhatIsFixedIsKept) {
  EXPECT_EQ(plan_on("4", {"--json", "--fix", "dp=2,tp=2,zero=1"}), 0) << err;
  EXPECT_EQ(json()["plan"]["dp"], 2);
  EXPECT_EQ(json()["plan"]["tp"], 2);
  EXPECT_EQ(json()["plan"]["zero"], 1);
  EXPECT_TRUE(json()["notes"].empty());
  EXPECT_EQ(plan_on("4", {"--json", "--fix", "microbatches=2,recompute=full"}), 0) << err;
  EXPECT_EQ(json()["plan"]["microbatches"], 2);
  EXPECT_EQ(json()["plan"]["recompute"], "full");
  EXPECT_EQ(plan_on("4", {"--fix", "dp=3"}), 2);
  EXPECT_THAT(err, HasSubstr("no plan for 4 devices is as pinned"));
  EXPECT_EQ(plan_on("4", {"--fix", "pp=3"}), 2);
  EXPECT_THAT(err, HasSubstr("no plan for 4 devices is as pinned"));
  EXPECT_EQ(plan_on("4", {"--json", "--fix", "pp=2,microbatches=2"}), 0) << err;
  EXPECT_EQ(json()["plan"]["pp"], 2);
  EXPECT_EQ(json()["plan"]["stages"].size(), 2u);
}

TEST_F(PlanTest, ThePageNeedsNothingElse) {
  EXPECT_EQ(plan_on("2", {"--html", path("plan.html"), "--fix", "pp=1"}), 0) << err;
  const std::string page = read_file(path("plan.html")).value();
  EXPECT_THAT(page, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("Where the step goes"));
  EXPECT_THAT(page, HasSubstr("Memory of each of 2 devices"));
  EXPECT_THAT(page, HasSubstr("36 × 16")) << "the embedding";
  for (const char* outside : {"http", "src=", "<link", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

TEST_F(PlanTest, ThePageShowsStagesInTime) {
  EXPECT_EQ(plan_on("2", {"--html", path("plan.html"), "--fix", "pp=2,microbatches=3"}), 0) << err;
  const std::string page = read_file(path("plan.html")).value();
  EXPECT_THAT(page, HasSubstr("Pipeline: 2 stages in "));
  EXPECT_THAT(page, HasSubstr("Memory of the device of stage 1"));
}

TEST_F(PlanTest, AProfileIsOfAnotherStack) {
  EXPECT_EQ(plan_on("2", {"--json"}), 0) << err;
  const double ours = json()["step_s"];
  EXPECT_EQ(plan_on("2", {"--json", "--profile", "llm-foundry-fsdp"}), 0) << err;
  EXPECT_EQ(json()["profile"], "llm-foundry-fsdp");
  EXPECT_NE(json()["step_s"].get<double>(), ours);
  EXPECT_EQ(plan_on("2", {"--profile", "megatron-1999"}), 1);
  EXPECT_THAT(err, HasSubstr("megatron-1999"));
}

TEST_F(PlanTest, FromTheScriptOnEverythingIsTheScripts) {
  python("echo \"$@\" >" + path("said") + "; cp " + MOAI_SOURCE +
         "/tests/golden/windows/mlp.txt $MOAI_REHEARSAL");
  EXPECT_EQ(plan({"--cluster", cluster_ + ":2"}, {"train.py", "--json", "--batch", "8", "-x"}), 0)
      << err;
  EXPECT_EQ(read_file(path("said")).value(), path("train.py") + " --json --batch 8 -x\n");
  EXPECT_THAT(out, HasSubstr("Plan for ")) << "not JSON";
}

TEST_F(PlanTest, WhatTheScriptWarnsOfIsPassedOn) {
  python("echo step 1; echo \"[warning] a value is 0\" >&2; cp " + std::string(MOAI_SOURCE) +
         "/tests/golden/windows/mlp.txt $MOAI_REHEARSAL");
  EXPECT_EQ(plan_on("2", {"--json"}), 0) << err;
  EXPECT_EQ(err, "[warning] a value is 0\n");
}

TEST_F(PlanTest, AnOperatorWithoutARuleIsListedWithItsPriceAndLine) {
  std::string text = read_file(std::string(MOAI_SOURCE) + "/tests/golden/windows/mlp.txt").value();
  text.replace(text.find("aten::gelu("), 10, "own::gelu");
  write("recording", "line 1 train.py:12\n" + text);
  python("cp " + path("recording") + " $MOAI_REHEARSAL");
  EXPECT_EQ(plan_on("2", {"--json", "--fix", "dp=2"}), 0) << err;
  ASSERT_EQ(json()["unsupported"].size(), 1u);
  EXPECT_EQ(json()["unsupported"][0]["operator"], "own::gelu");
  EXPECT_EQ(json()["unsupported"][0]["line"], "train.py:12");
  EXPECT_EQ(json()["unsupported"][0]["calls"], 1);
  EXPECT_GT(json()["unsupported"][0]["seconds"].get<double>(), 0);
  EXPECT_TRUE(json()["unsupported"][0].contains("collective_s"));
  EXPECT_THAT(json()["notes"][0], HasSubstr("no batch")) << "all of it is needed in one place";
  EXPECT_EQ(plan_on("2"), 0) << err;
  EXPECT_THAT(out, HasSubstr("|  own::gelu  |  1      |"));
}

// ---- what is missing

TEST_F(PlanTest, AScriptThatIsNotThere) {
  EXPECT_EQ(plan({"--cluster", cluster_ + ":2"}, {"none.py"}), 1);
  EXPECT_THAT(err, HasSubstr("there is no script \"" + path("none.py") + "\""));
  EXPECT_EQ(plan({"--cluster", cluster_ + ":2"}, {}), 2);
  EXPECT_THAT(err, HasSubstr("give a script"));
  EXPECT_EQ(run(moai_command, {"plan", "--clusters", "x:2", "train.py"}), 2);
  EXPECT_THAT(err, HasSubstr("there is no option --clusters"));
}

TEST_F(PlanTest, AClusterThatIsNone) {
  EXPECT_EQ(plan({"--cluster", cluster_}), 2);
  EXPECT_THAT(err, HasSubstr(cluster_));
  EXPECT_EQ(plan({"--cluster", path("train.py") + ":2"}), 2);
  EXPECT_THAT(err, HasSubstr("[cluster.file] " + path("train.py")));
  EXPECT_EQ(plan({"--cluster", path("none.toml") + ":2"}), 1);
  EXPECT_THAT(err, HasSubstr("none.toml"));
  EXPECT_EQ(plan_on("9"), 2);
  EXPECT_THAT(err, HasSubstr("ask for 8 or 16"));
}

TEST_F(PlanTest, AScriptThatFailsIsQuoted) {
  python("echo ValueError: no data >&2; exit 3");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("the script ended with code 3; it ended with: ValueError: no data"));
  python("kill -9 $$");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("the script ended by signal 9; it printed nothing"));
}

TEST_F(PlanTest, AScriptThatDoesNotTrain) {
  python("exit 0");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("the script did not use the device"));
  python("echo \"s2 = aten::relu(f32[4] s1) -> f32[4]\" >$MOAI_REHEARSAL");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("no training step among the 1 calls"));
  python(": >$MOAI_REHEARSAL");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("the script ran nothing on the device"));
}

TEST_F(PlanTest, AScriptThatDoesNotEndIsEnded) {
  python("echo $$ >" + path("pid") + "; sleep 600");
  EXPECT_EQ(plan_on("2", {"--timeout", "1"}), 1);
  EXPECT_THAT(err, HasSubstr("had not trained 2 steps after 1 s and was ended"));
  EXPECT_FALSE(process_id(std::stoll(read_file(path("pid")).value())));
}

TEST_F(PlanTest, AnInterruptEndsTheScript) {
  python("echo $$ >" + path("pid") + "; kill -TERM $PPID; sleep 600");
  EXPECT_EQ(plan_on("2"), 1);
  EXPECT_THAT(err, HasSubstr("interrupted; the script was ended"));
  EXPECT_FALSE(process_id(std::stoll(read_file(path("pid")).value())));
}

TEST_F(PlanTest, PythonThatIsNotThere) {
  EXPECT_EQ(run(moai_command, {"plan", "--cluster", cluster_ + ":2", "--python", path("no-python"),
                               path("train.py")}),
            1);
  EXPECT_THAT(err, HasSubstr("cannot start \"" + path("no-python") + "\""));
  EXPECT_THAT(err, HasSubstr("give --python"));
}

TEST_F(PlanTest, AStepThatFitsNowhere) {
  ::setenv("MOAI_CLUSTER", cluster_.c_str(), 1);
  server.flavors.mutable_flavors(1)->set_memory_bytes(2 * 20'000);
  EXPECT_EQ(plan({"--flavor", "2"}), 1);
  EXPECT_THAT(err, HasSubstr("no plan fits"));
}

// ---- a flavor of the site

TEST_F(PlanTest, AFlavorsDevicesAreDescribedByTheSite) {
  EXPECT_EQ(plan({"--flavor", "Medium.128GB"}), 1);
  EXPECT_THAT(err, HasSubstr("nothing describes the devices of this site: give --cluster FILE:N"));
  ::setenv("MOAI_CLUSTER", cluster_.c_str(), 1);
  EXPECT_EQ(plan({"--flavor", "Medium.128GB", "--json"}), 0) << err;
  EXPECT_EQ(json()["devices"], 2);
  EXPECT_EQ(json()["memory_limit_bytes"], int64_t{65520} << 20);
  EXPECT_EQ(plan({"--flavor", "none"}), 1);
  EXPECT_THAT(err, HasSubstr("There is no accelerator model \"none\""));
  stopped = true;
  EXPECT_EQ(plan({"--flavor", "Medium.128GB"}), 1);
  EXPECT_THAT(err, HasSubstr("the local platform is not running"));
  EXPECT_FALSE(started);
}

TEST_F(PlanTest, WithoutAFlavorItIsTheDefaultAccelerators) {
  ::setenv("MOAI_CLUSTER", cluster_.c_str(), 1);
  EXPECT_EQ(plan({"--json"}), 0) << err;
  EXPECT_EQ(json()["devices"], server.first()->flavor().devices());
}

}  // namespace
}  // namespace moai::toolkit
