#include "config/yaml_document.hpp"

#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/source.hpp"

namespace sluiced::config {
namespace {

/// A text, what is wrong with it, and its tree.
struct Parsing {
  explicit Parsing(std::string text) : source("t", std::move(text)) {
    Problems problems(source);
    if (check_yaml_text(problems)) {
      root = parse_yaml(problems);
    }
    for (const Diagnostic& each : problems.take()) {
      errors += std::to_string(each.place.line) + ':' + std::to_string(each.place.column) + ' ' +
                each.message + '\n';
    }
  }

  Source source;
  std::optional<YamlNode> root;
  std::string errors;
};

/// The tree in YAML's own flow form.
std::string flow(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNothing:
      return "~";
    case YamlNode::Kind::kScalar:
      return node.quoted ? '"' + node.text + '"' : node.text;
    case YamlNode::Kind::kList:
    case YamlNode::Kind::kMap:
      break;
  }
  const bool is_map = node.kind == YamlNode::Kind::kMap;
  std::string out;
  for (std::size_t index = 0; index < node.items.size(); ++index) {
    out += index == 0 ? "" : ", ";
    out += is_map ? node.keys[index].text + ": " : "";
    out += flow(node.items[index]);
  }
  return is_map ? '{' + out + '}' : '[' + out + ']';
}

std::string tree(std::string text) {
  const Parsing parsing(std::move(text));
  return parsing.root && parsing.errors.empty() ? flow(*parsing.root) : parsing.errors;
}

constexpr std::string_view kDifficultLayout = R"(
# a comment, then a blank line

alpha: one  # behind a value
beta:
  # between a key and its value

  gamma: "two # no comment"
  # after the last value of a map
größe: [drei, 'vier',   # within a list
  fünf]
list:
# not indented
- six
-  seven   # with more blanks

- # before a map
  eight: nine
- {ten: eleven,
   twelve: thirteen}
empty:
# the end
last: fourteen
)";

/// Every scalar and key must stand where its offset says.
void expect_in_place(const YamlNode& node, std::string_view text) {
  const auto stands_at = [text](Offset offset, std::string_view what) {
    const std::size_t start = text.find_first_not_of("\"'", offset);
    EXPECT_TRUE(text.substr(start).starts_with(what)) << what << " is not at " << offset;
  };
  if (node.kind == YamlNode::Kind::kScalar) {
    stands_at(node.offset, node.text);
  }
  for (const YamlKey& key : node.keys) {
    stands_at(key.offset, key.text);
  }
  for (const YamlNode& item : node.items) {
    expect_in_place(item, text);
  }
}

TEST(YamlDocument, KnowsThePlaceOfEveryValueWhateverTheLayout) {
  const std::string unix_text(kDifficultLayout);
  std::string dos_text;
  for (const char each : unix_text) {
    dos_text += each == '\n' ? "\r\n" : std::string(1, each);
  }
  for (const std::string& text : {unix_text, dos_text, "\xEF\xBB\xBF" + unix_text}) {
    const Parsing parsing(text);
    ASSERT_TRUE(parsing.root) << parsing.errors;
    EXPECT_EQ(flow(*parsing.root),
              "{alpha: one, beta: {gamma: \"two # no comment\"}, größe: [drei, \"vier\", fünf], "
              "list: [six, seven, {eight: nine}, {ten: eleven, twelve: thirteen}], empty: ~, "
              "last: fourteen}");
    expect_in_place(*parsing.root, parsing.source.text());
  }
}

TEST(YamlDocument, PutsAValueThatIsLeftOutAtItsKey) {
  const Parsing parsing("a: 1\nempty:\n\n# comment\nb: 2\n");
  ASSERT_TRUE(parsing.root);
  EXPECT_EQ(parsing.root->find("empty")->offset, 5);
}

TEST(YamlDocument, TellsQuotedScalarsFromPlainOnes) {
  EXPECT_EQ(tree("[a, \"a\", 'a', ~, null, \"~\"]\n"), "[a, \"a\", \"a\", ~, ~, \"~\"]");
  EXPECT_EQ(tree("a: |\n  b\nc: >\n  d\n"), "{a: \"b\n\", c: \"d\n\"}");
}

TEST(YamlDocument, ReportsEveryDuplicateKeyAndKeepsTheFirst) {
  EXPECT_EQ(Parsing("a: 1\nb: {c: 1, c: 2}\n\"a\": 3\na: 4\n").errors,
            "2:11 duplicate key 'c' (first at line 2)\n"
            "3:1 duplicate key 'a' (first at line 1)\n"
            "4:1 duplicate key 'a' (first at line 1)\n");
  EXPECT_EQ(flow(*Parsing("a: 1\na: 2\n").root), "{a: 1}");
}

TEST(YamlDocument, ReportsDuplicateKeysThatCameByAnAlias) {
  EXPECT_EQ(tree("&k a: 1\n*k : 2\n"), "2:1 duplicate key 'a' (first at line 1)\n");
}

TEST(YamlDocument, ReplacesAliasesByCopies) {
  EXPECT_EQ(tree("a: &x [1, {b: 2}]\nc: *x\nd: [*x]\n"),
            "{a: [1, {b: 2}], c: [1, {b: 2}], d: [[1, {b: 2}]]}");
  // An anchor that is used again stands for the later value from then on.
  EXPECT_EQ(tree("[&x 1, *x, &x 2, *x]\n"), "[1, 1, 2, 2]");
}

TEST(YamlDocument, PutsAnAliasWhereItIsUsed) {
  const Parsing parsing("a: &x [one]\nb: *x\n");
  ASSERT_TRUE(parsing.root);
  EXPECT_EQ(parsing.root->items[1].offset, 15);
  EXPECT_EQ(parsing.root->items[1].items[0].offset, 7);
}

TEST(YamlDocument, MergesMapsBelowTheKeysOfTheMapItself) {
  EXPECT_EQ(tree("base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\n"),
            "{base: {x: 1, y: 2}, own: {y: 3, x: 1}}");
  EXPECT_EQ(tree("<<: [{a: 1, b: 1}, {b: 2, c: 2}]\nc: 3\n"), "{c: 3, a: 1, b: 1}");
  EXPECT_EQ(tree("\"<<\": {a: 1}\n"), "{<<: {a: 1}}");
}

TEST(YamlDocument, RefusesMergeKeysThatMergeNothing) {
  EXPECT_EQ(tree("<<: 1\n"), "1:1 the merge key '<<' needs a map, or a list of maps\n");
  EXPECT_EQ(tree("<<: [{a: 1}, 2]\n"), "1:1 the merge key '<<' needs a map, or a list of maps\n");
  EXPECT_EQ(tree("<<: {a: 1}\n<<: {b: 1}\n"), "2:1 duplicate key '<<' (first at line 1)\n");
}

TEST(YamlDocument, RefusesAliasesThatLeadNowhereOrToThemselves) {
  EXPECT_EQ(tree("a: *x\n"), "1:4 not valid YAML: the referenced anchor is not defined\n");
  EXPECT_EQ(tree("a: &x [*x]\n"), "1:8 this alias stands inside what it refers to\n");
  EXPECT_EQ(tree("a: &x {b: *x}\n"), "1:11 this alias stands inside what it refers to\n");
}

TEST(YamlDocument, BoundsWhatAliasesExpandTo) {
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int level = 1; level <= 9; ++level) {
    const std::string previous = "*a" + std::to_string(level - 1);
    laughs += 'a' + std::to_string(level) + ": &a" + std::to_string(level) + " [";
    for (int count = 0; count < 9; ++count) {
      laughs += previous + ", ";
    }
    laughs += previous + "]\n";
  }
  const Parsing parsing(laughs);
  EXPECT_FALSE(parsing.root);
  EXPECT_NE(parsing.errors.find("too many values, counting each alias as a copy of its anchor"),
            std::string::npos);
}

TEST(YamlDocument, BoundsTheCopiesOfALongText) {
  std::string text = "a: &x \"" + std::string(500'000, 'x') + "\"\nb: [";
  for (int count = 0; count < 100; ++count) {
    text += "*x, ";
  }
  EXPECT_FALSE(Parsing(text + "*x]\n").root);
}

TEST(YamlDocument, BoundsTheNesting) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']') + '\n';
  };
  EXPECT_TRUE(Parsing(nested(kDeepestYaml)).root);
  EXPECT_EQ(tree(nested(kDeepestYaml + 1)), "1:33 lists and maps are nested too deeply\n");
  for (const char opening : {'[', '{', '-'}) {
    std::string text;
    for (int level = 0; level < 50'000; ++level) {
      text += std::string(1, opening) + ' ';
    }
    EXPECT_NE(tree(text).find("nested too deeply"), std::string::npos) << opening;
  }
}

TEST(YamlDocument, RefusesTags) {
  for (const std::string_view text : {"a: !!str b\n", "a: !x [1]\n", "a: ! b\n", "a: !x {b: c}\n",
                                      "a: &n !!int 1\n", "a: !!null\n"}) {
    EXPECT_EQ(tree(std::string(text)), "1:4 YAML tags have no meaning here: remove it\n") << text;
  }
}

TEST(YamlDocument, RefusesKeysThatAreNoPlainText) {
  EXPECT_EQ(tree("? [a]\n: b\nc: d\n"), "1:3 a key must be a plain word\n");
  EXPECT_EQ(tree("a: {~: b}\n"), "1:4 a key must be a plain word\n");
  EXPECT_EQ(tree("{a: b}: c\n"), "1:1 a key must be a plain word\n");
}

TEST(YamlDocument, HoldsOneDocument) {
  EXPECT_EQ(tree("---\na: 1\n"), "{a: 1}");
  EXPECT_EQ(tree("%YAML 1.2\n---\na: 1\n...\n"), "{a: 1}");
  EXPECT_EQ(tree("a: 1\n---\nb: 2\n"),
            "2:1 a second YAML document begins here: a file holds one\n");
  EXPECT_EQ(tree("- a\nb: c\n"), "2:1 a second YAML document begins here: a file holds one\n");
}

TEST(YamlDocument, IsNotEmpty) {
  for (const std::string_view text : {"", "\n", " \r\n\t\n"}) {
    EXPECT_EQ(tree(std::string(text)),
              "0:0 the file is empty: it needs 'listeners' and 'sites' at least\n");
  }
  EXPECT_EQ(tree("# only\n"),
            "0:0 the file holds only comments: it needs 'listeners' and 'sites'\n");
}

TEST(YamlDocument, RefusesStringsThatAreNotClosed) {
  const std::string error = "1:4 the string that begins here is not closed on its line\n";
  EXPECT_EQ(tree("a: \"b\nc: d\n"), error);
  EXPECT_EQ(tree("a: 'b\nc: d\n"), error);
  EXPECT_EQ(tree("a: \"b"),
            "1:6 not valid YAML: illegal EOF in scalar (is a closing quote missing?)\n");
  EXPECT_EQ(tree("a: \"b\\\"\n"), error);
  EXPECT_EQ(tree("a: 'it''s'\nb: \"a\\\"b\"\n"), "{a: \"it's\", b: \"a\"b\"}");
}

TEST(YamlDocument, SaysWhatIsLikelyBehindASyntaxError) {
  EXPECT_EQ(tree("address: [::]:8080\n"),
            "1:14 not valid YAML: end of map not found (an IPv6 address must be quoted: "
            "\"[::]:8080\")\n");
  EXPECT_EQ(tree("a: b: c\n"),
            "1:5 not valid YAML: illegal map value (look for wrong indentation, or for a value "
            "with ': ' in it that needs quotes)\n");
  EXPECT_EQ(
      tree("a: @b\n"),
      "1:4 not valid YAML: unknown token (a value that begins with @, % or ` needs quotes)\n");
  EXPECT_EQ(
      tree("a:\n  b: 1\n c: 2\n"),
      "3:2 not valid YAML: end of map not found (look for wrong indentation here or above)\n");
}

TEST(YamlText, IsUtf8) {
  EXPECT_EQ(tree("a: b\xff\xfe\n"), "1:5 not valid UTF-8: the byte '\\xff' cannot stand here\n");
  EXPECT_EQ(tree("é: \xC3\n"), "1:4 not valid UTF-8: the byte '\\xc3' cannot stand here\n");
  // UTF-16 with its byte-order mark.
  EXPECT_EQ(tree(std::string("\xFF\xFE\x61\0:\0", 6)),
            "1:1 the file is in UTF-16: save it in UTF-8\n");
  EXPECT_EQ(tree("a: größe €😀\n"), "{a: größe €😀}");
}

TEST(YamlText, HoldsNoControlCharacters) {
  EXPECT_EQ(
      tree(std::string("a: \0b\n", 6)),
      "1:4 the control character '\\x00' is not allowed: if the file is in UTF-16, save it in "
      "UTF-8\n");
  // yaml-cpp takes this one for the end of the file.
  EXPECT_EQ(tree("a: b\x04\nc: d\n"), "1:5 the control character '\\x04' is not allowed\n");
  EXPECT_EQ(tree("a: \x1b[31m\nb: \x7f\n"),
            "1:4 the control character '\\x1b' is not allowed\n"
            "2:4 the control character '\\x7f' is not allowed\n");
  EXPECT_EQ(tree("a: 1\rb: 2\n"), "1:5 a carriage return that no line feed follows\n");
}

TEST(YamlText, IsIndentedWithSpaces) {
  EXPECT_EQ(tree("a:\n\tb: 1\n  \tc: 1\n"),
            "2:1 a tab in the indentation: YAML is indented with spaces\n"
            "3:3 a tab in the indentation: YAML is indented with spaces\n");
  EXPECT_EQ(tree("a:\t1\t# c\n\t# a comment may stand anywhere\n\t\n"), "{a: 1}");
}

}  // namespace
}  // namespace sluiced::config
