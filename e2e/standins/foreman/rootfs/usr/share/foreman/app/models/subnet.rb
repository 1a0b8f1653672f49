# Only what makes use of a proxy.
class Subnet < ApplicationRecord
  validates :name, presence: true, uniqueness: true
end
