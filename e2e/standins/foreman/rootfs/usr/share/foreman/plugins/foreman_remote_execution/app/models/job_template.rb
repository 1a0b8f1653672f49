class JobTemplate < ApplicationRecord
end
