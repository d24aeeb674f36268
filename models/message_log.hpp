// SPDX-License-Identifier: Apache-2.0
#pragma once
/// @file message_log.hpp
/// What messages say. The network carries sizes only; the content of a message stands in a log that
/// its writer appends to before it sends, and that a reader takes from once the message is there.
///
/// Who may do what, on which thread: one process appends, from the visits of its host. Each Reader
/// belongs to one process, which takes an entry only after a message that was sent after append()
/// has been delivered to it (or is the writer itself). Two processes of one host run in visits of
/// one entity, one after another. On different hosts the message crosses a link: it was sent in a
/// window before the one in which it arrives, and all threads meet at a barrier between windows.
/// So append() happens before take() and both touch no other memory: an entry is a node of a list,
/// append() writes the link of the last node and a reader reads it only then. The order of threads
/// can change nothing, as a reader cannot see how far the writer has come.

#include <memory>
#include <utility>

#include "sim/check.hpp"

namespace plait {

template <class T>
class MessageLog {
  struct Node {
    Node() = default;
    explicit Node(T entry) : value(std::move(entry)) {}
    // By hand: the chain of what nobody read may be longer than the stack is deep.
    ~Node() {
      std::shared_ptr<Node> rest = std::move(next);
      while (rest && rest.use_count() == 1) rest = std::exchange(rest->next, nullptr);
    }
    T value{};
    std::shared_ptr<Node> next;
  };

 public:
  class Reader {
   public:
    Reader() = default;
    /// The next entry. @pre its message has arrived.
    const T& take() {
      PLAIT_CHECK(at_ != nullptr && at_->next != nullptr, "a message without an entry");
      at_ = at_->next;
      return at_->value;
    }

   private:
    friend class MessageLog;
    explicit Reader(std::shared_ptr<Node> at) : at_(std::move(at)) {}
    std::shared_ptr<Node> at_;  // taken last
  };

  void append(T entry) {
    auto node = std::make_shared<Node>(std::move(entry));
    tail_->next = node;
    tail_ = std::move(node);
  }
  /// Takes what is appended from now on. @pre before the run.
  Reader reader() const { return Reader(tail_); }

 private:
  std::shared_ptr<Node> tail_ = std::make_shared<Node>();  // appended last; first an empty one
};

}  // namespace plait
