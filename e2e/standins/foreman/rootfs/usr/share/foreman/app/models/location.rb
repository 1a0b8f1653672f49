class Location < Taxonomy
end
