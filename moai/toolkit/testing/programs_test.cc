// The programs as a user runs them, on a real local platform.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moai/base/file.h"
#include "moai/base/site_settings.h"
#include "moai/rpc/client/stream.h"
#include "moai/toolkit/testing/programs.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EndToEnd : public testing::Test {
 protected:
  Ran shell(const std::string& line) { return programs_.shell(line); }
  bool gone(int64_t pid) {
    for (int i = 0; i < 500 && process_id(pid); ++i) ::usleep(10'000);
    return !process_id(pid);
  }
  Programs programs_;
};

TEST_F(EndToEnd, LookingStartsNothing) {
  const Ran smi = shell("moreh-smi");
  EXPECT_EQ(smi.code, 0) << smi.err;
  EXPECT_THAT(smi.out, HasSubstr("|  * 0     |  MoAI Accelerator  |  Small.64GB  |  -"));
  EXPECT_EQ(shell("moai status").code, 3);
  EXPECT_EQ(shell("moai status --json").json()["state"], "stopped");
  EXPECT_FALSE(session::platform_status(programs_.state()));
  EXPECT_EQ(shell("moai down").out, "The local platform was not running.\n");
}

TEST_F(EndToEnd, UpIsIdempotentAndDownLeavesNoProcess) {
  const Ran up = shell("moai up");
  ASSERT_EQ(up.code, 0) << up.err;
  EXPECT_THAT(up.out, StartsWith("The local platform has been started at 127.0.0.1:"));
  EXPECT_THAT(up.err, HasSubstr("[info] Starting a local platform (2 simulated devices; ends by "
                                "itself after 120 s idle)\n"));
  EXPECT_EQ(first_line_of(programs_.state() + "/device_memory"), "1073741824");
  const Ran again = shell("moai up --json");
  EXPECT_EQ(again.json()["started"], false);
  EXPECT_EQ(again.err, "");

  const Ran text = shell("moai status");
  EXPECT_THAT(text.out, HasSubstr("agent    local, pid "));
  const auto status = shell("moai status --json").json();
  EXPECT_EQ(status["address"], again.json()["address"]);
  EXPECT_EQ(status["agents"][0]["devices"].size(), 2u);
  EXPECT_EQ(status["agents"][0]["connected"], true);
  EXPECT_EQ(status["workers"].size(), 0u);
  EXPECT_EQ(status["idle_exit_s"], 120);
  EXPECT_TRUE(std::filesystem::exists(std::string(status["master"]["log"])));

  const int64_t master = status["master"]["pid"], agent = status["agents"][0]["pid"];
  EXPECT_EQ(shell("moai down --json").json()["was_running"], true);
  EXPECT_FALSE(process_id(master));
  EXPECT_FALSE(process_id(agent));
  EXPECT_EQ(shell("moai status").code, 3);
}

TEST_F(EndToEnd, ASwitchedModelIsKeptAlsoWhenThePlatformStops) {
  const Ran menu = shell("printf \"2\\nq\\n\" | moreh-switch-model");
  ASSERT_EQ(menu.code, 0) << menu.err;
  EXPECT_THAT(menu.out, StartsWith("Current MoAI Accelerator: Small.64GB\n"));
  EXPECT_THAT(menu.out, HasSubstr("13. 48xLarge.24576GB\n"));
  EXPECT_THAT(menu.out, HasSubstr("successfully switched to  \"Medium.128GB\".\n"));
  ASSERT_EQ(shell("moai down").code, 0);
  EXPECT_THAT(shell("moreh-smi").out, HasSubstr("Medium.128GB"));
  EXPECT_EQ(shell("moreh-switch-model --json").json()["current"], "Medium.128GB");
  EXPECT_EQ(shell("moreh-switch-model -M 1").code, 0);
}

TEST_F(EndToEnd, AcceleratorsAreAddedChosenAndRemoved) {
  EXPECT_EQ(shell("moreh-smi device --add 1").out, "Create device success.\n");
  EXPECT_EQ(shell("moreh-smi device --switch 1").out, "Switch Current Device success.\n");
  EXPECT_EQ(shell("moreh-smi --json").json()["devices"][1]["default"], true);
  const Ran full = shell("moreh-smi device --add 1");
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(full.err, "moreh-smi: This token may have at most 2 accelerators.\n");
  EXPECT_EQ(shell("moreh-smi device --rm 0").out, "Remove device success.\n");
  EXPECT_EQ(shell("moreh-smi device --rm 1").code, 1) << "the last one";
}

TEST_F(EndToEnd, AnotherTokenWorksThroughTheSettingsOfASite) {
  ASSERT_EQ(shell("moai up").code, 0);
  const auto made = shell("moai token create --description \"team B\" --json").json();
  const auto platform = session::platform_status(programs_.state())->platform;
  const std::string site = "export MOREH_SDA_MANAGER_ADDRESS=" + platform.address +
                           " MOREH_SDA_CA=" + platform.ca_path +
                           " MOREH_SDA_TOKEN=" + std::string(made["token"]) + "; ";
  const auto smi = shell(site + "moreh-smi --json").json();
  EXPECT_EQ(smi["platform"], "configured");
  EXPECT_EQ(smi["devices"][0]["token"], "team B");
  EXPECT_EQ(shell(site + "moai token list").code, 1);
  EXPECT_THAT(shell(site + "moai token list").err, HasSubstr("ADMIN"));
  EXPECT_THAT(shell(site + "moai status").out, HasSubstr("shown to ADMIN tokens only"));
  EXPECT_THAT(shell(site + "moai up").err, HasSubstr("A manager is configured"));
  EXPECT_THAT(shell("moai token list").out, HasSubstr("team B"));
  EXPECT_EQ(shell("moai token revoke " + std::to_string(int64_t{made["id"]})).code, 0);
  EXPECT_THAT(shell(site + "moreh-smi").err, HasSubstr("Invalid SDA token."));
  EXPECT_THAT(shell("moai events --limit 5").out, HasSubstr("token.revoked"));
}

TEST_F(EndToEnd, AnAddressWhereNobodyListensIsSaidInOneLine) {
  const Ran smi =
      shell("MOREH_SDA_MANAGER_ADDRESS=127.0.0.1:1 MOREH_SDA_TOKEN=x MOREH_SDA_CA= moreh-smi");
  EXPECT_EQ(smi.code, 1);
  EXPECT_THAT(smi.err, StartsWith("moreh-smi: SDAManager at 127.0.0.1:1 does not answer"));
  EXPECT_EQ(std::count(smi.err.begin(), smi.err.end(), '\n'), 1) << smi.err;
}

TEST_F(EndToEnd, APipeThatClosesEarlyIsNoError) {
  ASSERT_EQ(shell("moai up").code, 0);
  const Ran piped = shell("set -o pipefail; moreh-smi -l 1 | head -n 2");
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_EQ(piped.err, "");
  EXPECT_EQ(shell("moai down").code, 0);
}

// A script's session, as its holder keeps it.
class Script {
 public:
  explicit Script(const session::LocalPlatform& platform, int64_t pid) {
    rpc::ChannelOptions options;
    options.address = platform.address;
    options.ca = read_file(platform.ca_path).value();
    options.token = first_line_of(platform.token_path);
    stream_ = rpc::attach(rpc::Channel::open(options).value());
    v1::SessionUp up;
    up.mutable_open()->set_client_version("0.1.0");
    up.mutable_open()->set_pid(pid);
    up.mutable_open()->set_command("python script" + std::to_string(pid) + ".py");
    up.mutable_open()->set_own_accelerator(true);
    EXPECT_TRUE(stream_->send(up).ok());
    // So that those that follow are later ones.
    EXPECT_TRUE(next([](const v1::SessionDown& d) { return d.has_opened(); }).has_opened());
  }
  void acquire() {
    v1::SessionUp up;
    up.mutable_acquire()->set_operation_id("a");
    EXPECT_TRUE(stream_->send(up).ok());
  }
  // The first message that `wanted` likes, within 20 s; else an empty one.
  v1::SessionDown next(const std::function<bool(const v1::SessionDown&)>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      auto down = stream_->receive(deadline);
      if (!down.ok()) return {};
      if (wanted(*down)) return *down;
    }
  }
  v1::Granted granted() {
    return next([](const v1::SessionDown& d) { return d.has_granted(); }).granted();
  }

 private:
  std::unique_ptr<rpc::SessionStream> stream_;
};

TEST_F(EndToEnd, JobsAreShownRefuseASwitchAndAreEndedByReset) {
  const auto platform = session::ensure_platform(programs_.options());
  ASSERT_TRUE(platform.ok()) << platform.status().to_string();
  Script one(*platform, 101), two(*platform, 102), three(*platform, 103);
  one.acquire();
  ASSERT_NE(one.granted().epoch(), 0u);
  two.acquire();
  ASSERT_NE(two.granted().epoch(), 0u) << "each local process has an accelerator of its own";
  three.acquire();
  const auto waiting = three.next(
      [](const auto& d) { return d.has_waiting() && d.waiting().cause() != "starting"; });
  const auto smi = shell("moreh-smi --json").json();
  ASSERT_EQ(smi["devices"].size(), 2u);
  ASSERT_EQ(smi["processes"].size(), 3u) << smi.dump(1);
  EXPECT_EQ(smi["devices"][0]["physical"].size(), 1u);
  for (const auto& process : smi["processes"]) {
    EXPECT_EQ(process["waiting"], process["pid"] == 103);
    if (process["pid"] == 103) {
      EXPECT_EQ(process["reason"], waiting.waiting().text());
    }
  }
  EXPECT_THAT(shell("moreh-smi").out, HasSubstr("python script101.py"));
  EXPECT_THAT(shell("moreh-smi -p").out, HasSubstr("local:0"));
  EXPECT_EQ(shell("moai status --json").json()["workers"].size(), 2u);
  EXPECT_EQ(shell("moreh-switch-model -M 2").err,
            "moreh-switch-model: The model cannot be switched while the MoAI Accelerator is in "
            "use.\n");
  EXPECT_EQ(shell("moreh-smi -r").out, "Device release success.\n");
  EXPECT_THAT(one.next([](const auto& d) { return d.has_ended(); }).ended().text(),
              HasSubstr("moreh-smi --reset"));
  EXPECT_NE(three.granted().epoch(), 0u) << "it takes what came free";
  EXPECT_THAT(shell("moai jobs --ended").out, HasSubstr("python script101.py"));
  const auto workers = shell("moai status --json").json()["workers"];
  EXPECT_EQ(shell("moai down").code, 0);
  for (const auto& worker : workers) EXPECT_TRUE(gone(worker["pid"]));
}

TEST_F(EndToEnd, DownAlsoEndsTheWorkersOfAKilledAgent) {
  const auto platform = session::ensure_platform(programs_.options());
  ASSERT_TRUE(platform.ok());
  Script one(*platform, 101);
  one.acquire();
  ASSERT_NE(one.granted().epoch(), 0u);
  const int64_t worker = shell("moai status --json").json()["workers"][0]["pid"];
  ::kill(static_cast<pid_t>(platform->agent.pid), SIGKILL);
  ASSERT_TRUE(gone(platform->agent.pid));
  EXPECT_TRUE(process_id(worker));
  EXPECT_EQ(shell("moai down").code, 0);
  EXPECT_TRUE(gone(worker));
}

TEST_F(EndToEnd, WatchingDoesNotKeepAPlatformFromItsIdleEnd) {
  ::setenv("MOAI_LOCAL_IDLE_EXIT", "2", 1);
  const int64_t master = shell("moai up --json").json()["master_pid"];
  for (int i = 0; i < 100 && process_id(master); ++i) {
    shell("moreh-smi; moai status");
    ::usleep(50'000);
  }
  EXPECT_FALSE(process_id(master));
  EXPECT_EQ(shell("moai status").code, 3);
  EXPECT_EQ(shell("moreh-switch-model -M 1").code, 0) << "it is started again";
}

}  // namespace
}  // namespace moai::toolkit
