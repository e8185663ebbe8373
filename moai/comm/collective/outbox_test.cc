#include "moai/comm/collective/outbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Content = Outbox::Content;

// Where messages go: written while open, and waited for while not.
class Sink {
 public:
  Status write(std::span<const std::string_view> parts) {
    std::unique_lock lock(mutex_);
    ++begun;
    changed_.wait(lock, [&] { return open_; });
    if (!fails.ok()) return fails;
    std::string text;
    for (std::string_view part : parts) text += part;
    texts.push_back(text);
    return ok_status();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  std::vector<std::string> texts;  // read when all is flushed
  Status fails;
  std::atomic<int> begun = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class OutboxTest : public testing::Test {
 protected:
  ~OutboxTest() override { sink_.open(); }
  Status send(const std::string& head, std::string_view content, Content kind,
              uint64_t sender = 1) {
    return outbox_.send(sender, false, head, content, kind);
  }
  Status flush(size_t bytes = 0, int64_t ms = 5000) {
    return outbox_.flush(bytes, steady_clock::now() + milliseconds(ms), {});
  }
  void await_writing() {
    while (sink_.begun == 0) std::this_thread::yield();
  }

  Sink sink_;
  Outbox outbox_{[this](auto parts) { return sink_.write(parts); }};
};

TEST_F(OutboxTest, MessagesAreWrittenInOrder) {
  for (int i = 0; i < 5; ++i) {
    std::string gone = "c" + std::to_string(i);
    ASSERT_TRUE(send("h", gone, Content::kCopied).ok());
    gone.assign(2, 'x');
  }
  sink_.open();
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"hc0", "hc1", "hc2", "hc3", "hc4"}));
  ASSERT_TRUE(outbox_.send(1, true, "at ", "once", Content::kBorrowed).ok());
  EXPECT_EQ(sink_.texts.back(), "at once");
}

TEST_F(OutboxTest, AtOnceWaitsBehindWhatIsUnderWay) {
  ASSERT_TRUE(send("1", "", Content::kCopied).ok());
  await_writing();
  ASSERT_TRUE(outbox_.send(1, true, "2", "", Content::kCopied).ok());
  EXPECT_TRUE(sink_.texts.empty());
  sink_.open();
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", "2"}));
}

TEST_F(OutboxTest, FlushKeepsItsDeadlineAndItsInterrupt) {
  ASSERT_TRUE(send("", "12345", Content::kCopied).ok());
  EXPECT_EQ(flush(0, 30).code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(flush(5, 30).ok());
  EXPECT_EQ(flush(4, 30).code(), Code::kDeadlineExceeded);
  const Status ended = outbox_.flush(0, steady_clock::now() + milliseconds(5000),
                                     [] { return cancelled("by the caller"); });
  EXPECT_EQ(ended, cancelled("by the caller"));
}

TEST_F(OutboxTest, WithdrawTakesBackOnlyWhatThatSenderLent) {
  std::string lent = "lent";
  ASSERT_TRUE(send("first ", "", Content::kCopied).ok());
  await_writing();
  ASSERT_TRUE(send("a ", lent, Content::kBorrowed, 1).ok());
  ASSERT_TRUE(send("b ", lent, Content::kBorrowed, 2).ok());
  ASSERT_TRUE(send("c ", lent, Content::kCopied, 1).ok());
  EXPECT_TRUE(outbox_.withdraw(1, milliseconds(10)));
  sink_.open();
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"first ", "b lent", "c lent"}));
}

TEST_F(OutboxTest, WithdrawTellsThatALentMessageIsBeingWritten) {
  const std::string lent = "lent";
  ASSERT_TRUE(send("", lent, Content::kBorrowed).ok());
  await_writing();
  EXPECT_FALSE(outbox_.withdraw(1, milliseconds(10)));
  EXPECT_TRUE(outbox_.withdraw(2, milliseconds(10)));
  sink_.open();
  EXPECT_TRUE(outbox_.withdraw(1, milliseconds(5000)));
}

TEST_F(OutboxTest, AFailureIsThatOfAllLaterMessages) {
  sink_.fails = unavailable("gone");
  ASSERT_TRUE(send("1", "", Content::kCopied).ok());
  ASSERT_TRUE(send("2", "", Content::kCopied).ok());
  sink_.open();
  EXPECT_EQ(flush(), unavailable("gone"));
  EXPECT_EQ(send("3", "", Content::kCopied), unavailable("gone"));
  EXPECT_EQ(outbox_.send(1, true, "4", "", Content::kCopied), unavailable("gone"));
  EXPECT_EQ(sink_.begun, 1);
}

}  // namespace
}  // namespace moai::comm
