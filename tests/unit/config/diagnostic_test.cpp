#include "config/diagnostic.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/source.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

std::string shown(const Source& source, Offset offset, std::string message = "no") {
  return format(source.diagnostic(Severity::kError, offset, std::move(message)));
}

TEST(Diagnostics, NameFileLineAndColumnAndPointAtThePlace) {
  const Source source("a.yaml", "one: 1\ntwo: 2\n");
  EXPECT_EQ(shown(source, 12), "a.yaml:2:6: error: no\ntwo: 2\n     ^\n");
  EXPECT_EQ(format(source.diagnostic(Severity::kWarning, 0, "hm")),
            "a.yaml:1:1: warning: hm\none: 1\n^\n");
}

TEST(Diagnostics, LeaveOutWhatIsNotKnown) {
  EXPECT_EQ(shown(Source("a.yaml", "x"), kNowhere), "a.yaml: error: no\n");
  EXPECT_EQ(shown(Source(), kNowhere), "error: no\n");
  EXPECT_EQ(shown(Source(), 5), "error: no\n");
}

TEST(Diagnostics, CountCharactersNotBytes) {
  const Source source("a", "größe: é!\n");
  EXPECT_EQ(shown(source, std::string_view("größe: é").size()),
            "a:1:9: error: no\ngröße: é!\n        ^\n");
}

TEST(Diagnostics, KeepTabsBeforeTheCaret) {
  EXPECT_EQ(shown(Source("a", "a:\t\tb\n"), 4), "a:1:5: error: no\na:\t\tb\n  \t\t^\n");
}

TEST(Diagnostics, DoNotShowTheCarriageReturnOfALine) {
  const Source source("a", "one\r\ntwo\r\n");
  EXPECT_EQ(source.line_count(), 2);
  EXPECT_EQ(shown(source, 5), "a:2:1: error: no\ntwo\n^\n");
}

TEST(Diagnostics, PutTheEndOfTheTextBehindTheLastLineThatIsNotBlank) {
  EXPECT_EQ(shown(Source("a", "x: [1\n\n  \n"), 10), "a:1:6: error: no\nx: [1\n     ^\n");
}

TEST(Diagnostics, DropAByteOrderMark) {
  const Source source("a", "\xEF\xBB\xBFx: 1\n");
  EXPECT_EQ(source.text(), "x: 1\n");
  EXPECT_EQ(shown(source, 3), "a:1:4: error: no\nx: 1\n   ^\n");
}

TEST(Diagnostics, DoNotPassEscapesOnToTheTerminal) {
  const Source source("a\x1b[2J", "b\x1b[31m\xff\n");
  EXPECT_EQ(shown(source, 0), "a\\x1b[2J:1:1: error: no\nb?[31m?\n^\n");
}

TEST(Diagnostics, ShowOnlyThePartOfALongLineAroundThePlace) {
  const Source source("a", std::string(5000, 'x') + '!' + std::string(5000, 'y'));
  const Diagnostic diagnostic = source.diagnostic(Severity::kError, 5000, "no");
  EXPECT_EQ(diagnostic.place, (Place{1, 5001}));
  EXPECT_EQ(diagnostic.source_line,
            "..." + std::string(100, 'x') + '!' + std::string(99, 'y') + "...");
  EXPECT_EQ(diagnostic.source_line[diagnostic.caret - 1], '!');
}

TEST(Problems, AreToldInTheOrderOfTheSource) {
  const Source source("a", "one\ntwo\nthree\n");
  Problems problems(source);
  problems.error(8, "c");
  problems.warning(0, "a");
  problems.error(4, "b");
  problems.error(4, "b, later");
  problems.error(kNowhere, "whole file");
  std::string order;
  for (const Diagnostic& each : problems.take()) {
    order += each.message + "; ";
  }
  EXPECT_EQ(order, "whole file; a; b; b, later; c; ");
}

TEST(Problems, AreKeptUpToABound) {
  const Source source("a", "x\n");
  Problems problems(source);
  for (int count = 0; count < 250; ++count) {
    problems.error(0, "no");
  }
  const auto kept = problems.take();
  ASSERT_EQ(kept.size(), Problems::kMostKept + 1);
  EXPECT_EQ(kept.back().message, "150 more not shown");
}

TEST(Problems, AreErrorsOrMereWarnings) {
  const Source source("a", "x\n");
  Problems problems(source);
  problems.warning(0, "hm");
  EXPECT_FALSE(problems.has_errors());
  problems.error(0, "no");
  EXPECT_TRUE(problems.has_errors());
}

TEST(PrintableText, EscapesWhatCouldActOnATerminalOrEndALine) {
  EXPECT_EQ(text::printable("a\r\n\tb"), "a\\r\\n\\tb");
  EXPECT_EQ(text::printable(std::string_view("\0\x1b\x7f", 3)), "\\x00\\x1b\\x7f");
  EXPECT_EQ(text::printable("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(text::printable("grün €😀"), "grün €😀");
}

TEST(PrintableText, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(text::printable("\xff"), "\\xff");
  EXPECT_EQ(text::printable("\xC3"), "\\xc3");
  EXPECT_EQ(text::printable("\xC0\xAF"), "\\xc0\\xaf");
  EXPECT_EQ(text::printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(text::printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(text::printable("\xE0\x80\xAF"), "\\xe0\\x80\\xaf");
}

TEST(PrintableText, IsCutBetweenCharacters) {
  EXPECT_EQ(text::clipped("aé", 2), "a");
  EXPECT_EQ(text::clipped("aé", 3), "aé");
  EXPECT_EQ(text::clipped("😀", 3), "");
  EXPECT_EQ(text::clipped("\x80\x80\x80\x80\x80\x80", 5).size(), 2);
}

}  // namespace
}  // namespace sluiced::config
