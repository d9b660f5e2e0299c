#include <deque>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include <sluice/cancel.hpp>

namespace sluice {
namespace {

class Link final : public CancelLink {
 public:
  explicit Link(std::function<void()> then = {}) : then_(std::move(then)) {}
  using CancelLink::detach;
  using CancelLink::is_attached;
  int asked = 0;

 private:
  void on_cancel() noexcept override {
    EXPECT_FALSE(is_attached());
    ++asked;
    if (then_) {
      then_();
    }
  }
  std::function<void()> then_;
};

TEST(CancelScope, AsksEachLinkOnce) {
  CancelScope scope;
  std::deque<Link> links(3);
  for (Link& link : links) {
    scope.attach(link);
    EXPECT_TRUE(link.is_attached());
  }
  EXPECT_TRUE(scope.has_links());
  EXPECT_FALSE(scope.is_cancelled());
  scope.cancel();
  scope.cancel();
  EXPECT_TRUE(scope.is_cancelled());
  EXPECT_FALSE(scope.has_links());
  for (const Link& link : links) {
    EXPECT_EQ(link.asked, 1);
  }
}

TEST(CancelScope, ALinkThatLeftIsNotAsked) {
  CancelScope scope;
  Link stays;
  Link leaves;
  scope.attach(leaves);
  scope.attach(stays);
  leaves.detach();
  {
    Link destroyed;
    scope.attach(destroyed);
  }
  scope.cancel();
  EXPECT_EQ(stays.asked, 1);
  EXPECT_EQ(leaves.asked, 0);
}

TEST(CancelScope, ReachesAllBelowAndNothingAboveOrBeside) {
  CancelScope root;
  CancelScope left(&root);
  CancelScope right(&root);
  CancelScope below_left(&left);
  CancelScope deep(&below_left);
  Link link;
  deep.attach(link);
  left.cancel();
  EXPECT_TRUE(below_left.is_cancelled());
  EXPECT_TRUE(deep.is_cancelled());
  EXPECT_EQ(link.asked, 1);
  EXPECT_FALSE(root.is_cancelled());
  EXPECT_FALSE(right.is_cancelled());
  root.cancel();
  EXPECT_TRUE(right.is_cancelled());
  EXPECT_EQ(link.asked, 1);
}

TEST(CancelScope, BelowACancelledOneIsCancelledFromTheStart) {
  CancelScope root;
  root.cancel();
  const CancelScope late(&root);
  EXPECT_TRUE(late.is_cancelled());
  const CancelScope alone(nullptr);
  EXPECT_FALSE(alone.is_cancelled());
}

TEST(CancelScope, AScopeThatEndsBeforeItsParentIsForgotten) {
  CancelScope root;
  {
    const CancelScope child(&root);
    EXPECT_TRUE(root.has_links());
  }
  EXPECT_FALSE(root.has_links());
  root.cancel();
}

TEST(CancelScope, AskingOneLinkMayTakeTheOthersAway) {
  CancelScope scope;
  Link second;
  auto third = std::make_unique<Link>();
  Link first([&] {
    second.detach();
    third.reset();
  });
  scope.attach(first);
  scope.attach(second);
  scope.attach(*third);
  scope.cancel();
  EXPECT_EQ(first.asked, 1);
  EXPECT_EQ(second.asked, 0);
}

TEST(CancelScope, AskingMayCancelOtherScopesAndTheSameAgain) {
  CancelScope scope;
  CancelScope other;
  Link in_other;
  other.attach(in_other);
  Link first([&] {
    scope.cancel();
    other.cancel();
  });
  Link last;
  scope.attach(first);
  scope.attach(last);
  scope.cancel();
  EXPECT_EQ(first.asked, 1);
  EXPECT_EQ(last.asked, 1);
  EXPECT_EQ(in_other.asked, 1);
}

TEST(CancelScope, ResetMakesItUsableAgainBelowItsParent) {
  CancelScope root;
  CancelScope scope(&root);
  scope.cancel();
  scope.reset(&root);
  EXPECT_FALSE(scope.is_cancelled());
  Link link;
  scope.attach(link);
  root.cancel();
  EXPECT_EQ(link.asked, 1);
  scope.reset(&root);
  EXPECT_TRUE(scope.is_cancelled());
  scope.reset(nullptr);
  EXPECT_FALSE(scope.is_cancelled());
}

TEST(CancelScope, ResetMovesItUnderAnotherParent) {
  CancelScope old_parent;
  CancelScope new_parent;
  CancelScope scope(&old_parent);
  scope.reset(&new_parent);
  EXPECT_FALSE(old_parent.has_links());
  old_parent.cancel();
  EXPECT_FALSE(scope.is_cancelled());
  new_parent.cancel();
  EXPECT_TRUE(scope.is_cancelled());
}

TEST(CancelScope, ATreeOfThousandsIsCancelledWhole) {
  std::deque<CancelScope> scopes;
  std::deque<Link> links;
  scopes.emplace_back();
  for (std::size_t index = 1; index < 5000; ++index) {
    scopes.emplace_back(&scopes[(index - 1) / 3]);
    scopes.back().attach(links.emplace_back());
  }
  scopes.front().cancel();
  for (const Link& link : links) {
    ASSERT_EQ(link.asked, 1);
  }
}

}  // namespace
}  // namespace sluice
