// The only file that sees yaml-cpp. It takes the parser's events rather than its node tree: the
// tree keeps duplicate keys silently, gives no way to see a merge key, and shares aliased nodes.

#include "config/yaml_document.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/source.hpp"
#include "text/printable.hpp"

namespace sluiced::config {
namespace {

using text::in_quotes;
using Kind = YamlNode::Kind;

/// Thrown through the parser, after the reason was reported, when reading on makes no sense.
struct StopReading {};

/// A node with what it weighs against kMostYamlBytes, aliases counted as the copies they become.
struct Built {
  YamlNode node;
  std::size_t weight = 0;
};

/// A list or a map whose end has not come yet.
struct Open {
  Built built;
  YAML::anchor_t anchor = YAML::NullAnchor;
  bool has_key = false;  ///< In a map: the key of the next value has been read.
  bool drop_value = false;
  bool is_merge = false;
  YamlKey key;
  std::unordered_map<std::string, Offset> seen;
  std::vector<YamlNode> merged;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  [[nodiscard]] std::optional<YamlNode> take_root() { return std::exchange(root_, std::nullopt); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      problems_.error(offset_of(mark), "a second YAML document begins here: a file holds one");
      throw StopReading{};
    }
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // For a value that is left out the parser gives the place of whatever comes next.
    Offset offset = offset_of(mark);
    if (!open_.empty()) {
      offset = open_.back().has_key ? open_.back().key.offset : open_.back().built.node.offset;
    }
    deliver(anchor, make(Kind::kNothing, offset));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Built built = make(Kind::kScalar, offset_of(mark));
    built.node.text = value;
    built.weight += value.size();
    const std::size_t content = skip_properties(built.node.offset);
    const char first = content < text().size() ? text()[content] : '\0';
    built.node.quoted = first == '"' || first == '\'' || first == '|' || first == '>';
    if (first == '"' || first == '\'') {
      check_closed(content, first);
    }
    // The parser says "?" for plain scalars and "!" for all others that have no tag.
    check_tag(tag == "!" && built.node.quoted ? "?" : tag, built.node.offset);
    deliver(anchor, std::move(built));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override {
    apply_merges(open_.back());
    end();
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      problems_.error(offset_of(mark), "this alias stands inside what it refers to");
      throw StopReading{};
    }
    spend(found->second->weight, offset_of(mark));
    Built copy = *found->second;
    copy.node.offset = offset_of(mark);
    place_in_parent(std::move(copy));
  }

 private:
  [[nodiscard]] std::string_view text() const { return problems_.source().text(); }

  static Offset offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? 0 : static_cast<Offset>(mark.pos);
  }

  Built make(Kind kind, Offset offset) {
    Built built;
    built.node.kind = kind;
    built.node.offset = offset;
    built.weight = sizeof(YamlNode);
    return built;
  }

  /// Where the value itself begins, behind its anchor and its tag.
  [[nodiscard]] std::size_t skip_properties(std::size_t at) const {
    while (at < text().size() && (text()[at] == '&' || text()[at] == '!')) {
      at = text().find_first_of(" \t\r\n", at);
      at = at == std::string_view::npos ? at : text().find_first_not_of(" \t\r\n", at);
    }
    return at;
  }

  /// A quoted string may go over lines in YAML, but here that is nearly always a lost quote; and
  /// the parser takes the end of the file for the closing quote.
  void check_closed(std::size_t opening, char quote) {
    for (std::size_t at = opening + 1; at < text().size() && text()[at] != '\n'; ++at) {
      const bool is_double = quote == '"';
      const bool has_next = at + 1 < text().size();
      // Two characters that stand for one: \" and its like, and '' within single quotes.
      if ((is_double && text()[at] == '\\') ||
          (!is_double && text()[at] == quote && has_next && text()[at + 1] == quote)) {
        ++at;
      } else if (text()[at] == quote) {
        return;
      }
    }
    problems_.error(opening, "the string that begins here is not closed on its line");
    throw StopReading{};
  }

  void check_tag(std::string_view tag, Offset offset) {
    if (tag != "?" && !tag.empty()) {
      problems_.error(offset, "YAML tags have no meaning here: remove it");
    }
  }

  /// Counts what is about to be kept, and stops when it is more than any configuration needs.
  void spend(std::size_t weight, Offset offset) {
    spent_ += weight;
    if (spent_ > kMostYamlBytes) {
      problems_.error(offset, "too many values, counting each alias as a copy of its anchor");
      throw StopReading{};
    }
  }

  void begin(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    Open open;
    open.built = make(kind, offset_of(mark));
    open.anchor = anchor;
    check_tag(tag, open.built.node.offset);
    if (open_.size() >= kDeepestYaml) {
      problems_.error(open.built.node.offset, "lists and maps are nested too deeply");
      throw StopReading{};
    }
    open_.push_back(std::move(open));
  }

  void end() {
    Open open = std::move(open_.back());
    open_.pop_back();
    deliver(open.anchor, std::move(open.built));
  }

  /// Takes a finished node that was written out: remembers its anchor and hands it to its parent.
  void deliver(YAML::anchor_t anchor, Built built) {
    // What is inside a list or map was counted when it was delivered itself.
    spend(sizeof(YamlNode) + built.node.text.size(), built.node.offset);
    if (anchor != YAML::NullAnchor) {
      spend(built.weight, built.node.offset);
      anchors_.insert_or_assign(anchor, std::make_shared<const Built>(built));
    }
    place_in_parent(std::move(built));
  }

  void place_in_parent(Built built) {
    if (open_.empty()) {
      root_ = std::move(built.node);
      return;
    }
    Open& parent = open_.back();
    if (parent.built.node.kind == Kind::kMap && !parent.has_key) {
      take_key(parent, built.node);
      return;
    }
    parent.has_key = false;
    if (std::exchange(parent.drop_value, false)) {
      return;
    }
    if (std::exchange(parent.is_merge, false)) {
      take_merge(parent, std::move(built));
      return;
    }
    if (parent.built.node.kind == Kind::kMap) {
      parent.built.node.keys.push_back(std::move(parent.key));
    }
    parent.built.weight += built.weight;
    parent.built.node.items.push_back(std::move(built.node));
  }

  void take_key(Open& map, YamlNode& node) {
    map.has_key = true;
    map.key = YamlKey{std::move(node.text), node.offset};
    if (node.kind != Kind::kScalar) {
      problems_.error(node.offset, "a key must be a plain word");
      map.drop_value = true;
      return;
    }
    const auto [first, is_new] = map.seen.try_emplace(map.key.text, node.offset);
    if (!is_new) {
      problems_.error(node.offset, "duplicate key " + in_quotes(map.key.text) + " (first at line " +
                                       std::to_string(problems_.source().line_at(first->second)) +
                                       ")");
      map.drop_value = true;
      return;
    }
    map.is_merge = map.key.text == "<<" && !node.quoted;
    map.built.weight += sizeof(YamlKey) + map.key.text.size();
  }

  void take_merge(Open& map, Built built) {
    map.built.weight += built.weight;
    if (built.node.kind == Kind::kMap) {
      map.merged.push_back(std::move(built.node));
      return;
    }
    bool usable = built.node.kind == Kind::kList;
    for (YamlNode& item : built.node.items) {
      usable = usable && item.kind == Kind::kMap;
      map.merged.push_back(std::move(item));
    }
    if (!usable) {
      problems_.error(map.key.offset, "the merge key '<<' needs a map, or a list of maps");
      map.merged.clear();
    }
  }

  /// Adds the keys of merged maps that the map does not have itself; of several the first wins.
  static void apply_merges(Open& map) {
    for (YamlNode& merged : map.merged) {
      for (std::size_t index = 0; index < merged.keys.size(); ++index) {
        if (map.seen.try_emplace(merged.keys[index].text, merged.keys[index].offset).second) {
          map.built.node.keys.push_back(std::move(merged.keys[index]));
          map.built.node.items.push_back(std::move(merged.items[index]));
        }
      }
    }
  }

  Problems& problems_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::shared_ptr<const Built>> anchors_;
  std::optional<YamlNode> root_;
  std::size_t spent_ = 0;
  std::size_t documents_ = 0;
};

/// What usually stands behind a complaint of the parser, which speaks of its own states.
std::string_view likely_cause(std::string_view complaint, std::string_view line) {
  if (line.find(": [::") != std::string_view::npos || line.find(":[::") != std::string_view::npos ||
      line.find("]:") != std::string_view::npos) {
    return " (an IPv6 address must be quoted: \"[::]:8080\")";
  }
  if (complaint.starts_with("illegal map value")) {
    return " (look for wrong indentation, or for a value with ': ' in it that needs quotes)";
  }
  if (complaint.starts_with("end of map not found") ||
      complaint.starts_with("end of sequence not found")) {
    return " (look for wrong indentation here or above)";
  }
  if (complaint.starts_with("illegal EOF in scalar")) {
    return " (is a closing quote missing?)";
  }
  if (complaint.starts_with("unknown token")) {
    return " (a value that begins with @, % or ` needs quotes)";
  }
  return "";
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const noexcept {
  for (std::size_t index = 0; index < keys.size(); ++index) {
    if (keys[index].text == key) {
      return &items[index];
    }
  }
  return nullptr;
}

std::optional<YamlNode> parse_yaml(Problems& problems) {
  const Source& source = problems.source();
  std::istringstream stream{std::string(source.text())};
  TreeBuilder builder(problems);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const StopReading&) {
    // There is a tree all the same when it is a second document that was stopped at.
    return builder.take_root();
  } catch (const YAML::Exception& complaint) {
    const Offset offset =
        complaint.mark.is_null() ? kNowhere : static_cast<Offset>(complaint.mark.pos);
    const std::string_view line = source.line(source.place_at(offset).line);
    problems.error(offset, "not valid YAML: " + text::printable(complaint.msg) +
                               std::string(likely_cause(complaint.msg, line)));
    return builder.take_root();
  }
  std::optional<YamlNode> root = builder.take_root();
  if (!root) {
    problems.error(kNowhere, "the file holds only comments: it needs 'listeners' and 'sites'");
  }
  return root;
}

}  // namespace sluiced::config
