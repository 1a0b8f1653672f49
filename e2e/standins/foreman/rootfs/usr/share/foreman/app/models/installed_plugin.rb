class InstalledPlugin < ApplicationRecord
end
