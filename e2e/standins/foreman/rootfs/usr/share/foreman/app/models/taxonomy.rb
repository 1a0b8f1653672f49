class Taxonomy < ApplicationRecord
  validates :name, presence: true, uniqueness: { scope: :type }

  def as_json(*)
    { id: id, name: name, title: name, label: name.parameterize.underscore, description: description, created_at: created_at, updated_at: updated_at }
  end
end
