class UpgradeTask < ApplicationRecord
end
