#pragma once

#include <span>

#include "config/config.hpp"
#include "config/reader.hpp"
#include "config/source.hpp"
#include "config/writer.hpp"
#include "config/yaml_document.hpp"

namespace sluiced::config {

// The tables. They are all there is to know of an option, for reading as for describing it.

template <>
std::span<const Field<Config>> fields_of<Config>();
template <>
std::span<const Field<Runtime>> fields_of<Runtime>();
template <>
std::span<const Field<Confinement>> fields_of<Confinement>();
template <>
std::span<const Field<Admin>> fields_of<Admin>();
template <>
std::span<const Field<Log>> fields_of<Log>();
template <>
std::span<const Field<Listener>> fields_of<Listener>();
template <>
std::span<const Field<Limits>> fields_of<Limits>();
template <>
std::span<const Field<Timeouts>> fields_of<Timeouts>();
template <>
std::span<const Field<FileOptions>> fields_of<FileOptions>();
template <>
std::span<const Field<HeaderRule>> fields_of<HeaderRule>();
template <>
std::span<const Field<Site>> fields_of<Site>();
template <>
std::span<const Field<Mount>> fields_of<Mount>();
template <>
std::span<const Field<Redirect>> fields_of<Redirect>();
template <>
std::span<const Field<ErrorPages>> fields_of<ErrorPages>();
template <>
std::span<const Field<Cors>> fields_of<Cors>();
template <>
std::span<const Field<Listings>> fields_of<Listings>();
template <>
std::span<const Field<Archives>> fields_of<Archives>();

// What is inherited. It has been read by then: the tables name the sources first.

template <>
Site new_element<Site>(const Config& config);
template <>
Mount new_element<Mount>(const Site& site);

/// What is left of a site, and of its mounts, without what was inherited.
template <>
Site own_part<Site>(const Config& config, const Site& site);

/// Fills `out`, which holds the defaults, from a document, and notes the place of every value that
/// could be read. Reports unknown and missing keys and values of the wrong type or range.
void read_config(const YamlNode& document, Problems& problems, Places& places, Config& out);

}  // namespace sluiced::config
