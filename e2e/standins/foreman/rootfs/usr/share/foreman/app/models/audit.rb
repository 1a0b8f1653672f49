class Audit < ApplicationRecord
end
