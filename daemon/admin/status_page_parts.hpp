#pragma once

#include <string_view>

/// The files in admin/status_page/ as they are.
namespace sluiced::admin {

extern const std::string_view kStatusHtml;
extern const std::string_view kStatusStyle;
extern const std::string_view kStatusScript;

}  // namespace sluiced::admin
