module Api
  class JobTemplatesController < BaseController
    def index
      render_list(JobTemplate.order(:id))
    end
  end
end
