module Api
  class JobInvocationsController < BaseController
    def index
      render_list(JobInvocation.order(id: :desc))
    end

    def show
      render json: JobInvocation.find(params[:id])
    end

    def create
      given = params.require(:job_invocation)
      invocation = JobInvocation.new(given.permit(:job_template_id, :targeting_type, :search_query))
      invocation.inputs = given[:inputs]&.to_unsafe_h || {}
      invocation.validate!
      Dynflow::Client.trigger(Actions::RemoteExecution::RunHostsJob, invocation.inputs) { |plan| invocation.update!(task_id: plan.id) }
      render json: invocation, status: :created
    end
  end
end
