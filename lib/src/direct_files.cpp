#include <sluice/direct_files.hpp>

#include <utility>

#include <sluice/detail/invariant.hpp>

namespace sluice {

Descriptor DirectDescriptor::get() const noexcept {
  return table_ != nullptr ? Descriptor::direct(table_->ring(), slot_) : Descriptor();
}

void DirectDescriptor::reset() noexcept {
  if (table_ != nullptr) {
    table_->ring_.close_direct_descriptor(slot_);
    table_->in_use_.add(-1);
    table_ = nullptr;
  }
}

Result<std::unique_ptr<DirectFiles>> DirectFiles::create(Ring& ring, unsigned slots) {
  if (const int error = ring.register_direct_descriptors(slots); error < 0) {
    return failure(-error);
  }
  return std::unique_ptr<DirectFiles>(new DirectFiles(ring, slots));
}

DirectFiles::~DirectFiles() {
  detail::invariant(in_use_.value() == 0 && reserved_ == 0,
                    "a DirectFiles outlives the descriptors in it");
  ring_.unregister_direct_descriptors();
}

DirectDescriptor DirectFiles::adopt(unsigned slot) noexcept {
  in_use_.add(1);
  return {*this, slot};
}

DirectFiles* OwnedDescriptor::release() noexcept {
  if (!std::exchange(descriptor_, Descriptor()).is_direct()) {
    return nullptr;
  }
  table_->in_use_.add(-1);
  static_cast<void>(table_->reserve(1));
  return table_;
}

void OwnedDescriptor::close_now() noexcept {
  // The temporaries close what they own.
  if (descriptor_.is_direct()) {
    DirectDescriptor(*table_, static_cast<unsigned>(descriptor_.number()));
  } else {
    static_cast<void>(UniqueFd(descriptor_.number()));
  }
  descriptor_ = Descriptor();
}

}  // namespace sluice
